"""Colours that nobody sees, so that they do not show at the edge of what is seen."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Number = TypeVar("Number", bound="np.number[Any]")

REACH = 8
"""Pixels beyond which a hidden colour is of no account."""


def fill_hidden(color: NDArray[Number], alpha: NDArray[Any], *, reach: int = REACH) -> NDArray[Number]:
    """Give fully transparent pixels the colour of the nearest one that is not, and grey far from any.

    What lies under full transparency is most often black, and a network would smear it into the visible edge as a dark
    fringe; what lies further inside would still decide which branch an edge is sent to.

    Args:
        color: H x W x C; uint8, uint16, or float in [0, 1].
        alpha: H x W x 1; 0 is fully transparent.
        reach: how far, in pixels, colours are carried.

    Returns:
        H x W x C; ``color`` itself if nothing is hidden.
    """
    hidden = alpha[..., 0] == 0
    if not hidden.any():
        return color
    filled = color.copy()
    filled[hidden] = 0.5 if np.issubdtype(color.dtype, np.floating) else np.iinfo(color.dtype.name).max // 2
    if not hidden.all():
        distance, (rows, columns) = ndimage.distance_transform_edt(hidden, return_indices=True)
        near = hidden & (distance <= reach)
        filled[near] = color[rows[near], columns[near]]
    return filled
