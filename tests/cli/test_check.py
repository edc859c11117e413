"""``restoreroute check``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

BAD = """\
task: super_resolutoin
backbone: {name: fsrcnn, initialisation: magic}
branches: [4, "8"]
data:
  train: samples
  validation: {source: samples, split: validation}
  test: {source: sampels, split: test}
stages: {joint: {lr: -1, iteration: 5}}
colour: red
"""


def test_a_good_recipe(command: Callable[..., Any], recipe: Path) -> None:
    done = command("check", recipe)

    assert (done.code, done.err) == (0, "")
    assert done.out == f"{recipe}: fine (super_resolution at scale 4; branches fsrcnn-4, fsrcnn-8)\n"


def test_everything_wrong_is_said_at_once_with_its_place(command: Callable[..., Any], here: Path) -> None:
    Path("bad.yml").write_text(BAD)

    done = command("check", "bad.yml")

    assert done.code == 2
    assert done.out == ""
    lines = done.err.removeprefix("error: ").splitlines()
    places = [":".join(line.split(":")[:3]) for line in lines]
    assert len(lines) == 8, done.err
    for line in range(1, 10):
        if line not in {4, 6}:
            assert any(place.startswith(f"bad.yml:{line}:") for place in places), f"nothing on line {line}: {done.err}"
    for fact in (
        "super_resolution",
        "initialisation",
        "branches.1",
        "data.train",
        "data.test",
        "stages.joint.lr",
        "iterations",
        "colour",
    ):
        assert fact in done.err


def test_overrides_are_checked_too(command: Callable[..., Any], recipe: Path) -> None:
    done = command("check", recipe, "stages.joint.lr=fast", "stages.joint.warmup=7", "nonsense")

    assert done.code == 2
    assert "override nonsense" in done.err

    done = command("check", recipe, "stages.joint.lr=fast", "stages.pretrain.warmup=7")
    assert "override stages.joint.lr=fast: stages.joint.lr: " in done.err
    assert "override stages.pretrain.warmup=7: stages.pretrain.warmup: " in done.err


def test_a_missing_file(command: Callable[..., Any]) -> None:
    done = command("check", "none.yml")

    assert done.code == 2
    assert done.error.startswith("none.yml: ")


def test_no_yaml(command: Callable[..., Any], here: Path) -> None:
    Path("bad.yml").write_text("task: [unclosed\n")

    done = command("check", "bad.yml")

    assert done.code == 2
    assert done.error.startswith("bad.yml:")


def test_a_task_that_needs_degraded_images(command: Callable[..., Any], recipe: Path) -> None:
    pairs = "{source: pairs, degraded: a, clean: b}"
    task = "task={name: paired, scale: 4}"

    alone = command("check", recipe, task)
    fine = command("check", recipe, task, *(f"data.{split}={pairs}" for split in ("train", "validation", "test")))

    assert alone.code == 2
    said = (
        "data source 'folder' has no degraded images, which task 'paired' takes from the data; sources that do: pairs"
    )
    assert alone.err.count(said) == 3
    assert (fine.code, fine.out) == (0, f"{recipe}: fine (paired at scale 4; branches fsrcnn-4, fsrcnn-8)\n")
