"""The command line in this process, and a finished run for it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from restoreroute.cli.main import main

TINY = Path(__file__).resolve().parents[1] / "unit" / "app" / "tiny.py"


def _load_tiny() -> ModuleType:
    name = "restoreroute_tests_tiny"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TINY)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on standard error that says what is wrong."""
        assert "Traceback" not in self.err
        (line,) = [line for line in self.err.splitlines() if line.startswith("error: ")]
        return line.removeprefix("error: ")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from threads, and lose a lot where cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def command(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs ``restoreroute`` with arguments in the working folder ``here``."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["restoreroute", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return Done(stop.value.code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def fresh_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs code in a Python of its own."""

    def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
        )

    return run


@pytest.fixture(scope="session")
def tiny() -> Any:
    """The module tiny.py of the tests of the application."""
    return _load_tiny()


@pytest.fixture(scope="session")
def recipe(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    return tiny.write_recipe(folder, tiny.write_photos(folder / "photos"))


@pytest.fixture(scope="session")
def finished(tiny: Any, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run that nobody may change."""
    run = tiny.Tiny(recipe=recipe, runs=tmp_path_factory.mktemp("finished"))
    run.run()
    return run


@pytest.fixture
def photos(recipe: Path, tmp_path: Path) -> Path:
    """A copy of the photos that may be changed."""
    return shutil.copytree(recipe.parent / "photos", tmp_path / "photos")
