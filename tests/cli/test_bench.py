"""``restoreroute bench``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restoreroute.reporting.figures_file import BENCHES


@pytest.fixture
def photo(recipe: Path) -> Path:
    return recipe.parent / "photos" / "train" / "train0.png"


def test_a_trained_model_routes_by_itself(command: Callable[..., Any], finished: Any, photo: Path, here: Path) -> None:
    done = command("bench", photo, finished.model, "--rounds", 2, "--save", "t.json")

    assert done.code == 0
    (found,), machine = BENCHES.read(here / "t.json")
    assert (found.height, found.width, found.scale) == (16, 16, 4)
    assert list(found.timings) == [
        "full network, plain PyTorch",
        "full network, whole image",
        "full network, large tiles",
        "full network, patches",
        "routed, patch by patch",
        "routed, classsr",
        "routed, seamless",
        *found.alone,
    ]
    assert found.alone == ("seamless, all on fsrcnn-4", "seamless, all on fsrcnn-8")
    assert all(len(timing.seconds) == 2 and min(timing.seconds) > 0 for timing in found.timings.values())
    assert found.reference == min(found.timings[way].median for way in found.references)
    at_best = sum(share * found.timings[way].median for share, way in zip(found.shares, found.alone, strict=True))
    assert found.at_best == pytest.approx(at_best)
    assert set(machine) >= {"processor", "cores", "threads"}
    for way in found.timings:
        assert way in done.out
    assert "Seamless: routing" in done.out


def test_markdown(command: Callable[..., Any], recipe: Path, photo: Path) -> None:
    done = command("bench", photo, recipe, "--shares", "75/25", "--rounds", 1, "--crop", 48, "--markdown")

    assert done.code == 0
    assert "| routed, seamless |" in done.out
    assert "shares 75/25 %" in done.out


def test_an_untrained_recipe_with_shares(command: Callable[..., Any], recipe: Path, photo: Path, here: Path) -> None:
    done = command("bench", photo, recipe, "--shares", "75/25", "--rounds", 1, "--crop", 48, "--save", "t.json")

    assert done.code == 0
    found = json.loads((here / "t.json").read_text())["benches"][0]
    assert (found["height"], found["width"]) == (12, 12)
    assert found["shares"] == [0.75, 0.25]


def test_an_untrained_recipe_can_not_route(command: Callable[..., Any], recipe: Path, photo: Path) -> None:
    done = command("bench", photo, recipe)

    assert done.code == 2
    assert "--shares" in done.error


def test_a_single_network_needs_no_shares(command: Callable[..., Any], finished: Any, photo: Path, here: Path) -> None:
    done = command("bench", photo, finished.folder / "baseline.safetensors", "--rounds", 1, "--save", "t.json")

    assert done.code == 0
    (found,), _ = BENCHES.read(here / "t.json")
    assert (found.shares, found.alone) == ((1.0,), ("seamless, all on fsrcnn-8",))


@pytest.mark.parametrize("shares", ["50/30/20", "90/20"])
def test_shares_that_do_not_fit(command: Callable[..., Any], recipe: Path, photo: Path, shares: str) -> None:
    done = command("bench", photo, recipe, "--shares", shares)

    assert done.code == 2
    assert f"shares: {shares} are not the shares of 2 branches" in done.error


def test_shares_that_are_no_numbers(command: Callable[..., Any], recipe: Path, photo: Path) -> None:
    done = command("bench", photo, recipe, "--shares", "most/rest")

    assert done.code == 2
    assert "'most/rest' is not like 61/23/16" in done.err


def test_a_photo_that_is_too_small(command: Callable[..., Any], finished: Any, photo: Path) -> None:
    done = command("bench", photo, finished.model, "--crop", 16)

    assert done.code == 2
    assert "less than one patch of 8" in done.error
