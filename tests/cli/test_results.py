"""``restoreroute results``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("name", ["", "results.json"])
def test_tables_of_a_finished_run_are_shown_again(command: Callable[..., Any], finished: Any, name: str) -> None:
    done = command("results", finished.folder / name)

    assert done.code == 0
    saved = json.loads((finished.folder / "results.json").read_text())
    minutes = sum(saved["provenance"]["seconds"].values()) / 60
    assert f"tiny: {minutes:.1f} min" in done.out
    assert f"{saved['provenance']['machine']['cores']}" in done.out
    for one in saved["sets"]:
        assert f"protocol '{one['protocol']}'" in done.out
    assert "oracle route" in done.out


def test_markdown_of_several_runs(command: Callable[..., Any], finished: Any) -> None:
    done = command("results", finished.folder, finished.folder, "--markdown")

    assert done.code == 0
    assert done.out.count("| routed |") == 4, "two protocols, twice"


def test_curves_of_several_runs(command: Callable[..., Any], finished: Any, tmp_path: Path) -> None:
    done = command("results", finished.folder, "--curves", tmp_path / "all.png")

    assert done.code == 0
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")


def test_every_step_has_its_time(finished: Any) -> None:
    seconds = json.loads((finished.folder / "results.json").read_text())["provenance"]["seconds"]

    stages = {"data", "baseline", "difficulty", "pretrain_0", "pretrain_1", "class_module", "joint", "preference"}
    assert seconds.keys() == stages | {"evaluate classsr", "evaluate whole"}
    assert all(value >= 0 for value in seconds.values())


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "has no results"), ("{", "can't be read as results of a run"), ('{"format": 1}', "measure anew")],
)
def test_what_can_not_be_shown(command: Callable[..., Any], tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)

    done = command("results", tmp_path)

    assert done.code == 2
    assert message in done.err
