"""``restoreroute evaluate``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restoreroute.imaging.io import read_image, write_image


@pytest.fixture
def test_photos(recipe: Path) -> Path:
    return recipe.parent / "photos" / "test"


def test_both_protocols_agree_with_the_run(
    command: Callable[..., Any], finished: Any, test_photos: Path, here: Path
) -> None:
    done = command("evaluate", "--model", finished.model, test_photos, "--markdown")

    assert done.code == 0
    assert list(here.iterdir()) == []
    results = json.loads((finished.folder / "results.json").read_text())
    for one in results["sets"]:
        _, _, table = done.out.partition(f"**test, protocol '{one['protocol']}': 2 images, {one['patches']} patches")
        lines = table.splitlines()
        assert lines[2].startswith("|  | PSNR RGB | PSNR Y | SSIM |")
        for row, line in zip(one["rows"], lines[4:], strict=False):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert cells[0] == row["name"]
            assert cells[1] == f"{row['quality']['psnr_rgb']:.2f}"
            assert cells[2] == f"{row['quality']['psnr_y']:.2f}"
            assert cells[3] == f"{row['quality']['ssim']:.4f}"


def test_one_protocol_as_a_table(command: Callable[..., Any], finished: Any, test_photos: Path) -> None:
    done = command("evaluate", "--model", finished.model, test_photos, "--protocol", "whole", "--device", "cpu")

    assert done.code == 0
    assert "protocol 'whole'" in done.out
    assert "classsr" not in done.out
    for row in ("interpolation", "baseline", "branch fsrcnn-4", "routed", "random route", "oracle route"):
        assert row in done.out


def test_a_model_of_one_branch(command: Callable[..., Any], finished: Any, test_photos: Path) -> None:
    done = command(
        "evaluate", "--model", finished.folder / "baseline.safetensors", test_photos, "--protocol", "classsr"
    )

    assert done.code == 0
    assert "branch fsrcnn-8" in done.out
    assert "routed" not in done.out


def test_the_centre_only(command: Callable[..., Any], finished: Any, test_photos: Path) -> None:
    arguments = ("evaluate", "--model", finished.model, test_photos, "--protocol", "whole", "--markdown")

    whole, centre = command(*arguments), command(*arguments, "--crop", 32)

    assert (whole.code, centre.code) == (0, 0)
    assert "2 images, 10 patches" in whole.out
    assert "2 images, 8 patches" in centre.out
    assert command(*arguments, "--crop", 7).code == 2


def test_no_such_folder(command: Callable[..., Any], finished: Any) -> None:
    done = command("evaluate", "--model", finished.model, "none")

    assert done.code == 2
    assert done.error.startswith("none: there is no such folder")


def test_a_photo_that_is_damaged(command: Callable[..., Any], finished: Any, photos: Path) -> None:
    bad = photos / "test" / "bad.png"
    bad.write_bytes(b"no image")

    done = command("evaluate", "--model", finished.model, photos / "test")

    assert done.code == 2
    assert done.error.startswith(f"{bad}: is not an image")


def test_a_baseline_that_is_missing(command: Callable[..., Any], finished: Any, test_photos: Path) -> None:
    done = command("evaluate", "--model", finished.model, test_photos, "--baseline", "none.safetensors")

    assert done.code == 2
    assert done.error.startswith("none.safetensors: no such model file")


def test_an_unknown_protocol(command: Callable[..., Any], finished: Any, test_photos: Path) -> None:
    done = command("evaluate", "--model", finished.model, test_photos, "--protocol", "half")

    assert done.code == 2
    assert "'half'" in done.err
    assert "'whole'" in done.err


def test_several_folders_and_figures_that_are_kept(
    command: Callable[..., Any], finished: Any, test_photos: Path, here: Path
) -> None:
    other = test_photos.parent / "validation"
    arguments = ("--protocol", "whole", "--save", "figures.json")

    done = command("evaluate", "--model", finished.model, test_photos, other, *arguments)

    assert done.code == 0
    saved = json.loads((here / "figures.json").read_text())
    assert [one["set_name"] for one in saved["sets"]] == ["test", "validation"]
    shown = command("results", "figures.json", "--markdown")
    assert shown.code == 0
    assert "model: " in shown.out
    assert "**validation, protocol 'whole': 1 images" in shown.out


def test_without_a_folder(command: Callable[..., Any], finished: Any) -> None:
    done = command("evaluate", "--model", finished.model, "task.scale=4")

    assert done.code == 2
    assert "name a folder of images" in done.err


def test_degraded_images_of_their_own(
    command: Callable[..., Any], finished: Any, test_photos: Path, here: Path
) -> None:
    for photo in test_photos.iterdir():
        height, width = (side // 4 for side in read_image(photo).shape[:2])
        (here / "small").mkdir(exist_ok=True)
        write_image(here / "small" / photo.name, np.zeros((height, width, 3), np.uint8))
    arguments = ("evaluate", "--model", finished.model, test_photos, "--protocol", "whole", "--markdown")

    made, given = command(*arguments), command(*arguments, "--degraded", "small")

    assert (made.code, given.code) == (0, 0)
    figures = [float(re.findall(r"^\| interpolation \| ([\d.]+) ", done.out, flags=re.M)[0]) for done in (made, given)]
    assert figures[1] < 10 < figures[0], "black images restore nothing"
    (here / "small" / "test1.png").rename(here / "small" / "tset1.png")
    lonely = command(*arguments, "--degraded", "small")
    assert lonely.code == 2
    assert lonely.error.startswith(f"{test_photos / 'test1.png'}: has no partner in small (")
    assert lonely.error.endswith("did you mean small/tset1.png?)")
