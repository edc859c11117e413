"""Where the sub-images of a batch lie and how they are turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VARIANTS = 8
"""Four rotations, each flipped or not."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """B squares of a list of images, all of one size.

    Attributes:
        image: (B,) index into the list.
        y: (B,) top row in pixels.
        x: (B,) left column in pixels.
        variant: (B,) which of the eight rotations and flips, 0 for none; see :func:`turned`.
        side: height and width in pixels.
    """

    image: NDArray[np.integer]
    y: NDArray[np.integer]
    x: NDArray[np.integer]
    variant: NDArray[np.integer]
    side: int

    def __len__(self) -> int:
        return len(self.image)

    def scaled(self, scale: int) -> Places:
        """The same squares in images that are ``scale`` times as large."""
        return Places(
            image=self.image, y=self.y * scale, x=self.x * scale, variant=self.variant, side=self.side * scale
        )


def turned(image: NDArray[np.generic], variant: int) -> NDArray[np.generic]:
    """One of the eight rotations and flips of an array (H, W, ...); 0 leaves it as it is."""
    rotated = np.rot90(image, variant % 4)
    return rotated[:, ::-1] if variant >= 4 else rotated
