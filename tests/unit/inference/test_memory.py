"""Memory that a process keeps for itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from restoreroute.inference.memory import peak_memory

PROGRAM = """
import resource, sys
import torch
from restoreroute.inference.memory import reuse_memory

if sys.argv[1] == "reuse":
    reuse_memory()
for _ in range(20):  # the heap grows until what is freed fits
    torch.ones(16 * 2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.ones(16 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(peak_memory() is None or not sys.platform.startswith("linux"), reason="Linux with glibc only")
def test_pages_are_not_fetched_again() -> None:
    faults = {}
    for way in ("reuse", "not"):
        done = subprocess.run([sys.executable, "-c", PROGRAM, way], check=True, capture_output=True, text=True)
        faults[way] = int(done.stdout)

    assert faults["reuse"] < 100 < 1000 < faults["not"]
