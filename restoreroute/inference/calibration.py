"""How long regions take on this machine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from math import inf, prod

import torch

from restoreroute.inference.engine import restore_pixels
from restoreroute.inference.regions import BLOCK, SIDES, Price
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Planner, halo_of, price_by_operations
from restoreroute.inference.tiles import Box, Tile
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import fixed

CELLS = BLOCK
"""Cells that are timed at once, at least: small regions run in batches."""
LARGEST = 1e11
"""Operations that one measurement may take: some seconds on a small machine.  For a deep network larger regions take
the time of smaller ones, pixel by pixel."""
REPEATS = 3
SLOW = 0.5
"""Seconds from which on one measurement has to do."""
JUDGING = "Class-Module"

Progress = Callable[[int, int], None]


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
        """What a region takes.

        Shapes that were not measured are priced by the next larger one, or by the largest, and their area.
        """
        shapes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for name in self.regions:
            branch, rows, columns = map(int, name.split())
            shapes[branch].append((rows, columns))

        @cache
        def price(branch: int, rows: int, columns: int) -> float:
            wanted = min(rows, columns), max(rows, columns)
            larger = [shape for shape in shapes[branch] if shape[0] >= wanted[0] and shape[1] >= wanted[1]]
            near = min(larger, key=prod) if larger else max(shapes[branch], key=prod)
            return self.regions[f"{branch} {near[0]} {near[1]}"] * self._area(*wanted) / self._area(*near)

        return price

    def _area(self, rows: int, columns: int) -> int:
        return (rows * self.cell + 2 * self.halo) * (columns * self.cell + 2 * self.halo)


def measure_seconds(model: Model, device: torch.device, *, progress: Progress | None = None) -> Seconds:
    """Time every branch on every shape of a region that is not too large for it, and the Class-Module.

    Args:
        progress: called with the measurements done and all.
    """
    halo, cell = halo_of(model), model.stride
    side = BLOCK * cell + 2 * halo
    image = torch.rand(model.task.bound.channels, side, side, generator=torch.Generator().manual_seed(0)).to(device)
    operations = price_by_operations(model, halo)
    runs: dict[str, tuple[Callable[[], object], int]] = {}
    for branch, rows, columns in product(range(len(model.branches)), SIDES, SIDES):
        executed = operations(branch, rows, columns)
        if rows <= columns and (columns == 1 or executed <= LARGEST):
            tiles = _tiles(rows, columns, cell=cell, halo=halo)[: max(1, int(LARGEST // executed))]
            run = partial(restore_pixels, model.branches, image, tiles, fixed(branch, len(tiles)))
            runs[f"{branch} {rows} {columns}"] = run, len(tiles)
    if (class_module := model.class_module) is not None:
        inside = Box(halo, halo, halo + BLOCK * cell, halo + BLOCK * cell)
        judge = partial(score_cells, class_module, image, cell=cell, patch=model.patch, inside=inside)
        runs[JUDGING] = judge, BLOCK**2
    taken = _least_seconds([run for run, _ in runs.values()], progress)
    each = {name: seconds / count for (name, (_, count)), seconds in zip(runs.items(), taken, strict=True)}
    return Seconds(halo=halo, cell=cell, judging=each.pop(JUDGING, 0.0), regions=each)


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


def _least_seconds(runs: Sequence[Callable[[], object]], progress: Progress | None) -> list[float]:
    """The least of a few measurements of each: whatever else the machine does only adds to it.

    They take turns, so that a slow minute of the machine is not one run's alone.
    """
    least = [inf] * len(runs)
    for number in range(REPEATS + 1):
        for position, run in enumerate(runs):
            if progress is not None:
                progress(number * len(runs) + position, (REPEATS + 1) * len(runs))
            if SLOW < least[position] < inf:
                continue
            start = time.perf_counter()
            run()
            if number > 0:  # kernels are made for each shape at its first use
                least[position] = min(least[position], time.perf_counter() - start)
    if progress is not None:
        progress((REPEATS + 1) * len(runs), (REPEATS + 1) * len(runs))
    return least
