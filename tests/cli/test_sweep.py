"""``restoreroute sweep``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restoreroute.imaging.io import read_image
from restoreroute.reporting.figures_file import SWEEPS


@pytest.fixture
def test_photos(recipe: Path) -> Path:
    return recipe.parent / "photos" / "test"


def test_a_curve(command: Callable[..., Any], finished: Any, test_photos: Path, here: Path) -> None:
    arguments = ("--budgets", "9,4,0.1", "--plot", "curve.png", "--markdown")

    done = command("sweep", "--model", finished.model, test_photos, *arguments)

    assert done.code == 0
    rows = re.findall(r"^\| (full network|as trained|budget \S+) \| ([\d.]+) \| ([\d.]+) ", done.out, flags=re.M)
    assert [name for name, _, _ in rows] == ["full network", "as trained", "budget 4", "budget 9"]  # 0.1 is too little
    spent = [float(figure) for _, figure, _ in rows]
    assert spent[0] == 1
    assert spent[2] <= 4
    assert spent[2] <= spent[3] <= 9
    assert "budget 0.1 is left out: on " in done.err
    assert read_image(here / "curve.png").shape[2] == 4


def test_a_budget_that_allows_everything_is_as_trained(
    command: Callable[..., Any], finished: Any, test_photos: Path, here: Path
) -> None:
    command("sweep", "--model", finished.model, test_photos, "--budgets", "9", "--save", "curve.json")

    (found,), _ = SWEEPS.read(here / "curve.json")
    trained, most = found.points
    assert (most.spent, most.quality, most.shares) == (trained.spent, trained.quality, trained.shares)


def test_its_figures_as_a_file(command: Callable[..., Any], finished: Any, test_photos: Path, here: Path) -> None:
    done = command("sweep", "--model", finished.model, test_photos, "--budgets", "4,9", "--save", "curve.json")

    (found,), machine = SWEEPS.read(here / "curve.json")
    assert done.code == 0
    assert found.model == "model"
    assert [point.budget for point in found.points] == [None, 4, 9]
    assert found.points[1].spent <= found.points[2].spent
    assert found.class_module > 0
    assert machine["cores"]


def test_a_model_that_routes_nothing(command: Callable[..., Any], finished: Any, test_photos: Path) -> None:
    single = finished.folder / "baseline.safetensors"

    done = command("sweep", "--model", single, test_photos)

    assert done.code == 2
    assert f"{single}: routes nothing, so there is nothing to sweep" in done.error


@pytest.mark.parametrize("budgets", ["much", "0.5,-1", ""])
def test_budgets_that_are_none(command: Callable[..., Any], finished: Any, test_photos: Path, budgets: str) -> None:
    done = command("sweep", "--model", finished.model, test_photos, "--budgets", budgets)

    assert done.code == 2
    assert "is not like 0.5,0.6,0.7" in done.err
