"""What networks give, as what images are stored in."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def as_pixels(restored: Tensor, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values in [0, 1], clipped, in the type of an image; as :func:`~restoreroute.imaging.color.from_float` rounds.

    Args:
        restored: of any shape.
        dtype: uint8, uint16, or a float.

    Raises:
        ValueError: for an output with NaN.
    """
    with torch.inference_mode():
        clipped = restored.clamp(0, 1)
        if clipped.sum().isnan():  # finite otherwise, and three times as quick as to ask each value
            raise ValueError("a branch gave values that are not a number")
        if np.issubdtype(dtype, np.floating):
            return clipped.cpu().numpy().astype(dtype, copy=False)
        top = int(np.iinfo(dtype).max)
        whole = torch.uint8 if top == 255 else torch.int32
        return clipped.mul_(top).add_(0.5).to(whole).cpu().numpy().astype(dtype, copy=False)
