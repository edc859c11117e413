"""A tiny recipe, runs of it, and one run that is finished."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch


def _load_tiny() -> ModuleType:
    name = "restoreroute_tests_tiny"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("tiny.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from threads, and lose a lot where cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny() -> Any:
    """The module tiny.py."""
    return _load_tiny()


@pytest.fixture(scope="session")
def recipe(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    return tiny.write_recipe(folder, tiny.write_photos(folder / "photos"))


@pytest.fixture(scope="session")
def finished(tiny: Any, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run that nobody may change, with its events and results."""
    run = tiny.Tiny(recipe=recipe, runs=tmp_path_factory.mktemp("finished"))
    run.run()
    return run


@pytest.fixture
def run(tiny: Any, recipe: Path, tmp_path: Path) -> Any:
    """Nothing has run yet."""
    return tiny.Tiny(recipe=recipe, runs=tmp_path / "runs")


@pytest.fixture
def copy(tiny: Any, finished: Any, tmp_path: Path) -> Callable[[], Any]:
    """A copy of the finished run that may be changed."""

    def make() -> Any:
        runs = shutil.copytree(finished.runs, tmp_path / f"copy{len(list(tmp_path.iterdir()))}")
        return tiny.Tiny(recipe=finished.recipe, runs=runs)

    return make
