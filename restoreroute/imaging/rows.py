"""Images that are read some rows at a time."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class ImageRows(Protocol):
    """An image of any kind that :func:`.io.read_image` gives, which need not be in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """H x W or H x W x C."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its pixels."""
        ...

    def read(self, first: int, last: int) -> NDArray[Any]:
        """Rows ``first`` to ``last``, the end excluded, as an array of its own or a view."""
        ...


class ArrayRows:
    """An array as rows."""

    def __init__(self, image: NDArray[Any]) -> None:
        self.image = image

    @property
    def shape(self) -> tuple[int, ...]:
        return self.image.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.image.dtype

    def read(self, first: int, last: int) -> NDArray[Any]:
        return self.image[first:last]
