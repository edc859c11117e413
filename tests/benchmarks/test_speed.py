"""Ratios of speeds that were measured in turn in one process; never absolute times."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def ratio(script: str, rounds: int) -> float:
    """The figure at the end of a script's last line; it runs with as many threads as a user's process has."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(script)), str(rounds)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    print(done.stdout)
    return float(done.stdout.split()[-1])


def test_the_joint_stage_is_faster_than_a_loop_over_samples() -> None:
    assert ratio("joint_stage_speed.py", rounds=3) >= 3


def test_loading_data_leaves_most_of_the_speed() -> None:
    assert ratio("data_loading.py", rounds=10) >= 0.85
