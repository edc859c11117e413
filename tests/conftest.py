"""Fixtures that every group of tests shares."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

# Tensors are tiny in tests: threads would only wait for each other.  Set before anything imports torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What was measured on this machine decides how images are cut: tests start without.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="restoreroute-tests-")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of values made by independent code; it lives beside the project and may be absent."""
    folder = ROOT.parent / "shared" / "golden"
    if not folder.is_dir():
        pytest.skip(f"golden values are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The module ``tests/support/tiny.py``: a recipe that runs within seconds."""
    import tiny

    return tiny


@pytest.fixture(scope="session")
def recipe(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny recipe with its photos."""
    folder = tmp_path_factory.mktemp("tiny")
    return Path(tiny.write_recipe(folder, tiny.write_photos(folder / "photos")))


@pytest.fixture(scope="session")
def finished(tiny: ModuleType, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A finished run of the tiny recipe that nobody may change, with its events and results."""
    run = tiny.Tiny(recipe=recipe, runs=tmp_path_factory.mktemp("finished"))
    run.run()
    return run
