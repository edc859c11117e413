"""Cells of one branch merged into larger regions, so that less context is computed twice.

The grid of cells falls into blocks of 8 x 8.  Each block is cut in halves, again and again, into rectangles whose
sides are 1, 2, 4 or 8 cells; a rectangle runs on the dearest branch that a cell in it needs.  Among all such cuttings
:func:`cut_into_regions` finds the one that takes the least time, by dynamic programming: so neighbours of one branch
are merged, and a cheap cell is promoted to the branch of its neighbours where that is quicker than to cut around it.

A block is cut by what lies in it alone, so the regions of an image do not depend on the stripes it is restored in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

SIDES = (1, 2, 4, 8)
BLOCK = SIDES[-1]

Price = Callable[[int, int, int], float]
"""Branch, rows and columns of a rectangle of cells -> seconds, or any other unit, that it takes."""


@dataclass(frozen=True)
class Region:
    """Cells top..bottom and left..right, ends excluded, that run together through one branch."""

    branch: int
    top: int
    left: int
    bottom: int
    right: int


def cut_into_regions(routes: NDArray[np.integer], price: Price) -> list[Region]:
    """The quickest cutting of each block.

    Args:
        routes: (rows, columns) the branch that each cell needs at least, cheapest 0.
        price: what a rectangle takes; the dearer of two branches takes longer.

    Returns:
        Regions that cover every cell once, block by block, row by row.
    """
    rows, columns = routes.shape
    plan = _Plan(routes, price)
    return [
        Region(branch, top, left, min(bottom, rows), min(right, columns))
        for y in range(0, plan.rows, BLOCK)
        for x in range(0, plan.columns, BLOCK)
        for branch, top, left, bottom, right in plan.cut(y, x, BLOCK, BLOCK)
    ]


def least_price(routes: NDArray[np.integer], price: Price) -> float:
    """What :func:`cut_into_regions` takes in all."""
    return float(_Plan(routes, price).levels[BLOCK, BLOCK].price.sum())


@dataclass(frozen=True, kw_only=True)
class _Level:
    """All rectangles of one shape, on the grid of that shape.

    Attributes:
        branch: the dearest branch that a cell in the rectangle needs; -1 where there are no cells.
        price: of the quickest cutting.
        way: how that begins: 0 not at all, 1 in an upper and a lower half, 2 in a left and a right one.
    """

    branch: NDArray[np.int64]
    price: NDArray[np.float64]
    way: NDArray[np.int64]


class _Plan:
    """The quickest cutting of every rectangle of every shape, small shapes first."""

    def __init__(self, routes: NDArray[np.integer], price: Price) -> None:
        rows, columns = routes.shape
        padded = np.full([-(-side // BLOCK) * BLOCK for side in routes.shape], -1, dtype=np.int64)
        padded[:rows, :columns] = routes
        self.rows, self.columns = padded.shape
        branches = int(padded.max()) + 1
        prices = np.zeros((branches + 1, BLOCK + 1, BLOCK + 1))  # the last branch, -1, is no cells: free
        for branch, height, width in product(range(branches), range(1, BLOCK + 1), range(1, BLOCK + 1)):
            prices[branch, height, width] = price(branch, height, width)
        self.levels: dict[tuple[int, int], _Level] = {}
        for height, width in product(SIDES, SIDES):
            down = np.clip(rows - np.arange(0, self.rows, height), 0, height)  # cells that there are
            across = np.clip(columns - np.arange(0, self.columns, width), 0, width)
            branch = padded.reshape(len(down), height, len(across), width).max(axis=(1, 3))
            uncut = prices[branch, down[:, None], across]
            halves = [np.full(uncut.shape, np.inf), np.full(uncut.shape, np.inf)]
            if height > 1:
                half = self.levels[height // 2, width].price
                halves[0] = half[0::2] + half[1::2]
            if width > 1:
                half = self.levels[height, width // 2].price
                halves[1] = half[:, 0::2] + half[:, 1::2]
            ways = np.stack([uncut, *halves])
            self.levels[height, width] = _Level(branch=branch, price=ways.min(axis=0), way=ways.argmin(axis=0))

    def cut(self, top: int, left: int, rows: int, columns: int) -> Iterator[tuple[int, int, int, int, int]]:
        """The regions of one rectangle: branch, top, left, bottom, right."""
        level = self.levels[rows, columns]
        place = top // rows, left // columns
        branch, way = int(level.branch[place]), int(level.way[place])
        if branch < 0:
            return
        if way == 0:
            yield branch, top, left, top + rows, left + columns
        elif way == 1:
            yield from self.cut(top, left, rows // 2, columns)
            yield from self.cut(top + rows // 2, left, rows // 2, columns)
        else:
            yield from self.cut(top, left, rows, columns // 2)
            yield from self.cut(top, left + columns // 2, rows, columns // 2)
