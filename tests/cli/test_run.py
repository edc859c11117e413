"""``restoreroute run``."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restoreroute.app.run_folder import RunFolder
from restoreroute.imaging.io import write_image

SHORT = [f"stages.{stage}.iterations=1" for stage in ("baseline", "pretrain", "class_module", "joint")]


@pytest.fixture
def runs(finished: Any, here: Path) -> Path:
    """A copy of the finished run as the folder ``runs`` of the working folder."""
    return shutil.copytree(finished.runs, here / "runs")


def test_a_run_from_photos_to_tables(command: Callable[..., Any], recipe: Path, here: Path) -> None:
    done = command("run", recipe, "name=short", "evaluation.protocols=[whole]", *SHORT, "--device", "cpu")

    assert (done.code, done.err) == (0, "")
    assert (here / "runs" / "short" / "model.safetensors").is_file()
    for fact in ("short: 9 steps", "[5/9] pretrain_1 (fsrcnn-8,", "dB on validation", "short done in", "oracle route"):
        assert fact in done.out
    assert "model: runs/short/model.safetensors" in done.out


def test_a_run_that_measures_difficulty_classes(command: Callable[..., Any], recipe: Path, runs: Path) -> None:
    done = command("run", recipe, "evaluation.protocols=[classes]")

    assert (done.code, done.err) == (0, "")
    assert "test, protocol 'classes': 3 sub-images of 8 x 8 degraded pixels" in done.out
    for fact in ("evaluate classes", "class 1", "score up to", "branch fsrcnn-8"):
        assert fact in done.out


def test_a_finished_run_says_so(command: Callable[..., Any], recipe: Path, runs: Path) -> None:
    done = command("run", recipe)

    assert done.code == 0
    assert done.out.count("done before") == 9
    assert "\npreference: speed " in done.out
    assert done.out.count("routed") == 3


def test_fresh_starts_over(command: Callable[..., Any], recipe: Path, runs: Path) -> None:
    done = command("run", recipe, "--fresh", "evaluation.protocols=[whole]", *SHORT)

    assert done.code == 0
    assert "done before" not in done.out


def test_a_dry_run_writes_nothing_and_shows_what_it_would_cost(
    command: Callable[..., Any], recipe: Path, here: Path
) -> None:
    done = command("run", recipe, "--dry-run")

    assert (done.code, done.err) == (0, "")
    assert list(here.iterdir()) == []
    assert "Cost per 8 x 8 patch" in done.out
    for fact in ("fsrcnn-4", "fsrcnn-8", "Class-Module", "100 %", "2 train, 1 validation, 2 test", "0.001 to 1e-05"):
        assert fact in done.out
    assert "Nothing was written." in done.out


def test_a_dry_run_of_a_single_network(command: Callable[..., Any], recipe: Path, here: Path) -> None:
    single = here / "single.yml"
    lines = recipe.read_text().replace("[4, 8]", "[8]").splitlines()
    routing = ("class_module:", "pretrain:", "joint:")
    single.write_text("\n".join(line for line in lines if not line.lstrip().startswith(routing)))

    done = command("run", single, "--dry-run")

    assert (done.code, done.err) == (0, "")
    assert "fsrcnn-8" in done.out
    assert "overlap at step 6" in done.out
    assert not any(part in done.out for part in ("Class-Module", "pretrain", "joint"))


def test_a_single_network_of_a_routed_recipe_says_what_to_leave_out(
    command: Callable[..., Any], recipe: Path, here: Path
) -> None:
    done = command("run", recipe, "branches=[8]")

    assert done.code == 2
    for key in ("class_module", "stages.pretrain", "stages.class_module", "stages.joint"):
        assert f" {key}: is for routed models; the recipe has one branch, so leave it out" in done.err


def test_an_unknown_name(command: Callable[..., Any], recipe: Path, here: Path) -> None:
    done = command("run", recipe, "backbone=fsrcn")

    assert done.code == 2
    assert "unknown backbone family 'fsrcn'" in done.error
    assert "did you mean 'fsrcnn'?" in done.error
    assert list(here.iterdir()) == []


def test_a_wrong_type(command: Callable[..., Any], recipe: Path) -> None:
    done = command("run", recipe, "stages.joint.batch=many")

    assert done.code == 2
    assert done.error.startswith("override stages.joint.batch=many: stages.joint.batch: ")


def test_a_missing_recipe(command: Callable[..., Any]) -> None:
    done = command("run", "none.yml")

    assert done.code == 2
    assert done.error.startswith("none.yml: ")


def test_an_unknown_device(command: Callable[..., Any], recipe: Path) -> None:
    done = command("run", recipe, "--device", "abacus")

    assert done.code == 2
    assert "can't use device 'abacus'" in done.error


def test_an_empty_folder(command: Callable[..., Any], recipe: Path, here: Path) -> None:
    (here / "empty").mkdir()

    done = command("run", recipe, "data.test=empty", *SHORT)

    assert done.code == 2
    assert done.error.startswith("empty: holds no image")


def test_only_photos_that_are_too_small(command: Callable[..., Any], recipe: Path, here: Path) -> None:
    (here / "small").mkdir()
    write_image(here / "small" / "a.png", np.zeros((28, 99, 3), np.uint8))

    done = command("run", recipe, "data.train=small", *SHORT)

    assert done.code == 2
    assert "no image is as large as one sub-image of 8 x 8 degraded pixels (the largest has 24 x 7)" in done.error


@pytest.mark.parametrize(
    ("split", "content"),
    [("train", b"this is text"), ("train", b""), ("train", b"cut"), ("validation", b"cut"), ("test", b"cut")],
    ids=["train text", "train empty", "train cut", "validation cut", "test cut"],
)
def test_a_file_that_is_no_image(
    split: str, content: bytes, command: Callable[..., Any], recipe: Path, photos: Path, runs: Path
) -> None:
    bad = photos / split / "bad.png"
    bad.write_bytes((photos / "test" / "test0.png").read_bytes()[:300] if content == b"cut" else content)

    done = command("run", recipe, f"data.{split}={photos / split}", *SHORT)

    assert done.code == 2
    assert done.error.startswith(f"{bad}: ")


def test_a_test_photo_smaller_than_a_patch(command: Callable[..., Any], recipe: Path, photos: Path, runs: Path) -> None:
    write_image(photos / "test" / "small.png", np.zeros((20, 40, 3), np.uint8))

    done = command("run", recipe, f"data.test={photos / 'test'}")

    assert done.code == 2
    assert done.error.startswith(f"{photos / 'test' / 'small.png'}: has 10 x 5 degraded pixels")


def test_a_file_where_the_runs_should_be(command: Callable[..., Any], recipe: Path, here: Path) -> None:
    (here / "runs").write_text("in the way")

    done = command("run", recipe)

    assert done.code == 1
    assert done.error.startswith("runs/tiny: can't be written to: ")
    assert "choose another --runs folder" in done.error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(command: Callable[..., Any], recipe: Path, here: Path) -> None:
    (here / "runs").mkdir(mode=0o555)

    done = command("run", recipe)

    assert done.code == 1
    assert done.error.startswith("runs/tiny: can't be written to: ")


def test_a_run_at_work_is_left_in_peace(command: Callable[..., Any], recipe: Path, runs: Path) -> None:
    with RunFolder(runs / "tiny").open():
        done = command("run", recipe, "--fresh")

    assert done.code == 2
    assert done.error.startswith("runs/tiny: another run is at work in this folder")
    assert (runs / "tiny" / "state" / "joint.pt").is_file()


def test_a_loss_that_explodes_is_a_failed_run(command: Callable[..., Any], recipe: Path, runs: Path) -> None:

    done = command("run", recipe, "stages.baseline.lr=1e37", "stages.baseline.checkpoint_every=1")

    assert done.code == 1
    assert done.error.startswith("stage baseline: ")
    assert "lower its learning rate" in done.error
    assert (runs / "tiny" / "state" / "joint.pt").is_file()


def test_results_in_json_are_those_in_the_table(command: Callable[..., Any], recipe: Path, runs: Path) -> None:
    done = command("run", recipe)
    results = json.loads((runs / "tiny" / "results.json").read_text())

    for row in results["sets"][0]["rows"]:
        assert f"{row['quality']['psnr_rgb']:.2f}" in done.out
