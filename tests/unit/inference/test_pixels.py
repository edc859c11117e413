"""Values of networks as pixels of images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restoreroute.imaging.color import from_float
from restoreroute.inference.pixels import as_pixels

VALUES = np.array([-1, 0, 0.5 / 255, 1.5 / 255, 0.3, 0.9999, 1, 7, np.inf, *np.linspace(0, 1, 999)], dtype=np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_are_rounded_as_everywhere(dtype: type[np.uint8]) -> None:
    pixels = as_pixels(torch.from_numpy(VALUES), np.dtype(dtype))
    assert pixels.dtype == dtype
    assert np.array_equal(pixels, from_float(VALUES, dtype))


def test_floats_are_clipped() -> None:
    pixels = as_pixels(torch.from_numpy(VALUES), np.dtype(np.float32))
    assert np.array_equal(pixels, VALUES.clip(0, 1))


def test_what_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        as_pixels(torch.tensor([0.5, float("nan")]), np.dtype(np.uint8))
