"""Ratios of speeds that were measured in turn in one process; never absolute times."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of this folder as a module."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_the_joint_stage_is_faster_than_a_loop_over_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load("joint_stage_speed", monkeypatch).main(rounds=3) >= 3


def test_loading_data_leaves_most_of_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load("data_loading", monkeypatch).main(rounds=10) >= 0.85
