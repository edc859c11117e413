"""A run that is killed (SIGKILL, as by a power cut or a full memory) and started again ends with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LONGER = [
    f"stages.{stage}.{option}"
    for stage in ("baseline", "pretrain", "class_module", "joint")
    for option in ("iterations=40", "checkpoint_every=3", "validate_every=7")
]
PATIENCE = 120.0
Moment = Callable[[Path, str], bool]


def checkpoint_being_written(stage: str) -> Moment:
    """The moment that hurts most: between the temporary file and its last name."""
    return lambda folder, shown: (
        (folder / "state" / f"{stage}.pt").exists() and any((folder / "state").glob(".restoreroute-*.tmp*"))
    )


def line_with(text: str) -> Moment:
    return lambda folder, shown: text in shown


def kill_at(moment: Moment, recipe: Path, runs: Path, *overrides: str) -> None:
    """Start ``restoreroute run`` and kill it at a moment."""
    log = runs.parent / "log.txt"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "restoreroute", "run", recipe, *overrides, "--runs", runs, "--device", "cpu"],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        )
        try:
            end = time.monotonic() + PATIENCE
            while not moment(runs / "tiny", log.read_text()):
                assert process.poll() is None, f"ended before it could be killed:\n{log.read_text()}"
                assert time.monotonic() < end, f"the moment never came:\n{log.read_text()}"
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        finally:
            process.kill()
            code = process.wait(timeout=PATIENCE)
    assert code == -signal.SIGKILL, f"ended before it could be killed:\n{log.read_text()}"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_and_started_again(recipe: Path, finished: Any, tiny: Any, tmp_path: Path) -> None:
    run = tiny.Tiny(recipe=recipe, runs=tmp_path / "runs")

    kill_at(checkpoint_being_written("baseline"), recipe, run.runs)
    run.run()

    same_files(run, finished)
    assert not tiny.leftovers(run.folder)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_at_every_step(recipe: Path, tiny: Any, tmp_path: Path) -> None:
    whole = tiny.Tiny(recipe=recipe, runs=tmp_path / "whole")
    run = tiny.Tiny(recipe=recipe, runs=tmp_path / "runs")
    whole.run(*LONGER)

    for moment in (
        line_with("sub-images of 2 photos"),
        checkpoint_being_written("baseline"),
        line_with("pretrain_1 7: validation"),
        checkpoint_being_written("class_module"),
        line_with("joint 21: validation"),
        line_with("evaluate classsr"),
    ):
        kill_at(moment, recipe, run.runs, *LONGER)
    run.run(*LONGER)

    assert run.reused() == ["baseline", "difficulty", "pretrain_0", "pretrain_1", "class_module", "joint", "preference"]
    same_files(run, whole)
    assert not tiny.leftovers(run.folder)


def same_files(run: Any, whole: Any) -> None:
    for name in ("model.safetensors", "baseline.safetensors"):
        assert (run.folder / name).read_bytes() == (whole.folder / name).read_bytes()
