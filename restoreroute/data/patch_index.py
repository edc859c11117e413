"""Which sub-images there are: arrays of places, scores and classes, never files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from restoreroute.errors import InputError

UNSPLIT = -1


@dataclass(frozen=True, kw_only=True)
class PatchIndex:
    """N sub-images of a list of pairs.

    Attributes:
        image: (N,) index into the list of pairs.
        y: (N,) top row in degraded pixels.
        x: (N,) left column in degraded pixels.
        side: height and width in degraded pixels.
        score: (N,) difficulty, higher is harder; nan before scoring.
        class_: (N,) difficulty class, 0 easiest; -1 before the split.
        edges: the largest score of each class but the last; empty before the split.
    """

    image: NDArray[np.int32]
    y: NDArray[np.int32]
    x: NDArray[np.int32]
    side: int
    score: NDArray[np.float64]
    class_: NDArray[np.int16]
    edges: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.image)

    def of_class(self, class_: int) -> NDArray[np.int64]:
        """Positions of the sub-images of one difficulty class."""
        return np.flatnonzero(self.class_ == class_)

    def split(
        self,
        score: NDArray[np.float64],
        classes: int,
        *,
        quantiles: Sequence[float] | None = None,
        thresholds: Sequence[float] | None = None,
    ) -> PatchIndex:
        """Sorted by score into classes, 0 easiest: of equal size (paper section 3.4: thirds by rank) unless said.

        Args:
            score: (N,) difficulty.
            classes: how many.
            quantiles: shares of the N, by rank, at which one class ends and the next begins.
            thresholds: scores that take their place; the largest score of each class but the last.
        """
        if thresholds is not None:
            return replace(self, score=score, class_=class_by_edges(score, thresholds), edges=tuple(thresholds))
        order = np.argsort(score, kind="stable")
        rank = np.arange(len(self))
        class_ = np.empty(len(self), dtype=np.int16)
        if quantiles is None:
            class_[order] = rank * classes // len(self)
        else:
            class_[order] = np.searchsorted(quantiles, (rank + 0.5) / len(self), side="right")
        upto = (score[class_ <= easier].max(initial=-np.inf) for easier in range(classes - 1))
        return replace(self, score=score, class_=class_, edges=tuple(float(edge) for edge in upto))


def class_by_edges(score: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.int16]:
    """(N,) classes of scores; ``edges`` are the largest score of each class but the last."""
    return np.searchsorted(edges, score, side="left").astype(np.int16)


def index_sub_images(sizes: Sequence[tuple[int, int]], *, side: int, step: int) -> PatchIndex:
    """Every sub-image on a grid from the top left of each image.

    Args:
        sizes: height and width of each degraded image.
        side: side of a sub-image in degraded pixels.
        step: distance of two sub-images in degraded pixels.

    Raises:
        InputError: if no image is as large as one sub-image.
    """
    places = [
        (image, y, x)
        for image, (height, width) in enumerate(sizes)
        for y in range(0, height - side + 1, step)
        for x in range(0, width - side + 1, step)
    ]
    if not places:
        largest = max(sizes, key=lambda size: min(size), default=(0, 0))
        raise InputError(
            f"no image is as large as one sub-image of {side} x {side} degraded pixels "
            f"(the largest has {largest[1]} x {largest[0]})",
            where="data",
            hint="use larger images or a smaller data.sub_image",
        )
    image, y, x = np.array(places, dtype=np.int32).T
    return PatchIndex(
        image=image,
        y=y,
        x=x,
        side=side,
        score=np.full(len(places), np.nan),
        class_=np.full(len(places), UNSPLIT, dtype=np.int16),
    )
