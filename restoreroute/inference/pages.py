"""Arrays with pages of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from mmap import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def own_pages(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """An array of zeros whose memory goes back to the system with it, though the process reuses what it frees.

    For what is large and short-lived: what is kept between such arrays would end up in the place of the last one, and
    the next one would need more (:func:`~restoreroute.inference.memory.reuse_memory`).
    """
    kind = np.dtype(dtype)
    return np.frombuffer(mmap(-1, math.prod(shape) * kind.itemsize), dtype=kind).reshape(shape)
