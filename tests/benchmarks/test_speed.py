"""Ratios of speeds that were measured in turn in one process; never absolute times."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def ratio(script: str, *arguments: str) -> float:
    """The figure at the end of a script's last line; it runs with as many threads as a user's process has."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments],
        env=environment | {"OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        check=True,
    )
    print(done.stdout)
    return float(done.stdout.split()[-1])


def test_the_joint_stage_is_faster_than_a_loop_over_samples() -> None:
    assert ratio("joint_stage_speed.py", "3") >= 3


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_training_leaves_most_of_the_speed_of_the_passes(optimiser: str) -> None:
    arguments = ("--optimiser", optimiser, "--rounds", "9", "--iterations", "4", "--clock", "cpu")
    assert ratio("training_speed.py", *arguments) >= 0.87
