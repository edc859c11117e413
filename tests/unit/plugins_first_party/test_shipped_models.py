"""Shipped models restore as well as when they were published, and say what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import restoreroute
from restoreroute.app.evaluate import evaluate_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.imaging.io import read_image, write_image
from restoreroute.spec.results import SetResult
from restoreroute_models import MODELS, restoreroute_models

NAMES = [model.name for model in restoreroute_models()]
PHOTOS = Path(__file__).parents[3] / "plugins" / "restoreroute_samples" / "photos" / "test"
CROPS = {"swallowtail-butterfly.webp": (200, 400), "wall-clock.webp": (300, 300)}
SIDE = 336
RECORDED = json.loads(Path(__file__).with_name("shipped_models.json").read_text())
"""PSNR RGB over the two crops of some ways to restore them, and the shares of the routed one if there is one."""


def measured(name: str, folder: Path) -> SetResult:
    """A model on two small crops of embedded photos."""
    for file, (top, left) in CROPS.items():
        crop = read_image(PHOTOS / file)[top : top + SIDE, left : left + SIDE]
        write_image((folder / file).with_suffix(".png"), crop)
    (result,) = evaluate_model(name, [folder], protocols=["whole"], device="cpu")
    return result


@pytest.mark.parametrize("name", NAMES)
def test_it_restores_as_well_as_recorded(name: str, tmp_path: Path) -> None:
    result = measured(name, tmp_path)

    recorded = RECORDED[name]
    for way, psnr in recorded["psnr_rgb"].items():
        assert result.row(way).quality.psnr_rgb == pytest.approx(psnr, abs=0.02)
    if "shares" in recorded:
        assert result.row("routed").shares == pytest.approx(recorded["shares"], abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_called_by_its_name(name: str) -> None:
    restorer = restoreroute.load(name)

    assert (restorer.model.class_module is not None) == ("shares" in RECORDED[name])
    assert len(restorer.model.branches) == len(RECORDED[name].get("shares", [1]))


@pytest.mark.parametrize("name", NAMES)
def test_its_card_says_what_a_user_has_to_know(name: str) -> None:
    card = open_catalogue().models.get(name).card.read_text()

    assert card.startswith(f"# {name}\n")
    for heading in ("## Training", "## Figures", "## Limits", "## Licence"):
        assert heading in card


def test_all_together_are_small() -> None:
    assert sum(file.stat().st_size for file in MODELS.iterdir()) < 20 * 2**20


def test_nothing_lies_there_that_is_not_offered() -> None:
    assert {file.name.split(".")[0] for file in MODELS.iterdir()} == set(NAMES)
    assert set(RECORDED) == set(NAMES)
