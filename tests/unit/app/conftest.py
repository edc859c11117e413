"""Runs of the tiny recipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import Tiny


@pytest.fixture
def run(recipe: Path, tmp_path: Path) -> Any:
    """Nothing has run yet."""
    return Tiny(recipe=recipe, runs=tmp_path / "runs")


@pytest.fixture
def copy(finished: Any, tmp_path: Path) -> Callable[[], Any]:
    """A copy of the finished run that may be changed."""

    def make() -> Any:
        runs = shutil.copytree(finished.runs, tmp_path / f"copy{len(list(tmp_path.iterdir()))}")
        return Tiny(recipe=finished.recipe, runs=runs)

    return make
