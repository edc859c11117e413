"""How long regions take on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from math import inf

import torch

from restoreroute.inference.engine import restore_cells
from restoreroute.inference.regions import BLOCK, SIDES, Price
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Planner, halo_of
from restoreroute.inference.tiles import Box, Tile
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import fixed

CELLS = BLOCK
"""Cells that are timed at once, at least: small regions run in batches."""
REPEATS = 3
SLOW = 0.5
"""Seconds from which on one measurement has to do."""


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """What was measured for one model.

    Attributes:
        halo: context of a region in degraded pixels.
        cell: side of a cell in degraded pixels.
        judging: seconds of the Class-Module for one cell.
        regions: seconds of a region by ``"<branch> <rows> <columns>"``, sides in cells, rows no more than columns.
    """

    halo: int
    cell: int
    judging: float
    regions: dict[str, float]

    def price(self) -> Price:
        """What a region takes.  Shapes that were not measured are priced by the next larger one and their area."""

        @cache
        def price(branch: int, rows: int, columns: int) -> float:
            measured = [min(side for side in SIDES if side >= wanted) for wanted in sorted((rows, columns))]
            seconds = self.regions.get(f"{branch} {measured[0]} {measured[1]}", inf)
            return seconds * self._area(rows, columns) / self._area(*measured)

        return price

    def _area(self, rows: int, columns: int) -> int:
        return (rows * self.cell + 2 * self.halo) * (columns * self.cell + 2 * self.halo)


def measure_seconds(
    model: Model, device: torch.device, *, progress: Callable[[int, int], None] | None = None
) -> Seconds:
    """Time every branch on every shape of a region, and the Class-Module.

    Networks that look at their whole input run on single cells only, so nothing larger is timed.

    Args:
        progress: called with the measurements done and all.
    """
    halo, cell = halo_of(model), model.stride
    side = BLOCK * cell + 2 * halo
    image = torch.rand(model.task.bound.channels, side, side, generator=torch.Generator().manual_seed(0)).to(device)
    shapes = [
        (branch, rows, columns)
        for branch, rows, columns in product(range(len(model.branches)), SIDES, SIDES)
        if rows <= columns and (columns == 1 or model.plans[branch].family.local)
    ]
    regions = {}
    for number, (branch, rows, columns) in enumerate(shapes):
        if progress is not None:
            progress(number, len(shapes))
        tiles = _tiles(rows, columns, cell=cell, halo=halo)
        route = fixed(branch, len(tiles))
        taken = _least_seconds(partial(restore_cells, model.branches, image, tiles, route))
        regions[f"{branch} {rows} {columns}"] = taken / len(tiles)
    judging = 0.0
    if (class_module := model.class_module) is not None:
        inside = Box(halo, halo, halo + BLOCK * cell, halo + BLOCK * cell)
        judge = partial(score_cells, class_module, image, cell=cell, patch=model.patch, inside=inside)
        judging = _least_seconds(judge) / BLOCK**2
    if progress is not None:
        progress(len(shapes), len(shapes))
    return Seconds(halo=halo, cell=cell, judging=judging, regions=regions)


def planner_by_seconds(model: Model, seconds: Seconds) -> Planner:
    """Regions are cut so that they take the least time on this machine."""
    return Planner(model=model, halo=seconds.halo, price=seconds.price(), judging=seconds.judging)


def _tiles(rows: int, columns: int, *, cell: int, halo: int) -> list[Tile]:
    """Regions of one shape side by side in a block, together at least :data:`CELLS` cells."""
    height, width = rows * cell, columns * cell
    side = BLOCK * cell + 2 * halo
    corners = list(product(range(halo, side - halo, height), range(halo, side - halo, width)))
    boxes = [Box(top, left, top + height, left + width) for top, left in corners]
    return [Tile(window=box.grown(halo, side, side), inside=box) for box in boxes[: max(1, CELLS // (rows * columns))]]


def _least_seconds(run: Callable[[], object]) -> float:
    """The least of a few measurements: whatever else the machine does only adds to it."""
    run()  # kernels are made for each shape at its first use
    taken: list[float] = []
    while len(taken) < REPEATS and (not taken or taken[0] < SLOW):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)
