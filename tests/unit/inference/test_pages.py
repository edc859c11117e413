"""Arrays with pages of their own."""

from __future__ import annotations

import numpy as np
import pytest

from restoreroute.inference.memory import forget_peak, peak_memory
from restoreroute.inference.pages import own_pages


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
