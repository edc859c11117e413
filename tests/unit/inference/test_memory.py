"""Memory that a process keeps for itself."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from restoreroute.inference.memory import forget_peak, own_pages, peak_memory

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


def test_pages_of_their_own_go_back_with_their_array() -> None:
    array = own_pages((1024, 1024, 64), np.uint8)
    array += 1  # so that there are pages
    assert array.sum(dtype=np.int64) == array.size
    forget_peak()
    with_it = peak_memory()

    del array
    forget_peak()
    without_it = peak_memory()

    if with_it is None or without_it is None:
        pytest.skip("the system does not tell")
    assert with_it - without_it > 32 * 2**20


@pytest.mark.parametrize("shape", [(3,), (2, 5, 3)])
def test_arrays_with_pages_of_their_own_are_zeros_to_fill(shape: tuple[int, ...]) -> None:
    array = own_pages(shape, np.uint16)

    assert array.shape == shape
    assert array.dtype == np.uint16
    assert not array.any()
    array[...] = 7
    assert (array == 7).all()
