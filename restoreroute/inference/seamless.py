"""Whole images without seams: cells are routed, merged into regions, and run with real context around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from restoreroute.errors import InputError
from restoreroute.inference.regions import Price, cut_into_regions, least_price
from restoreroute.inference.steps import operations
from restoreroute.inference.tiles import Box, Tile
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, within_budget


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to spend on an image, decided without training anew.

    Attributes:
        budget: executed operations that may be spent, Class-Module and context included, as a share of what the full
            network executes over the image; None for no limit. Where the model's own preference spends less, that is
            what is done.
        seconds: as ``budget``, but the time that Class-Module and branches may take on this machine.
        speed: how much cheap branches are preferred where there is no budget: the branch of a cell is the one with the
            largest p / cost ** speed; None for what the model was made for.
    """

    budget: float | None = None
    seconds: float | None = None
    speed: float | None = None


TRAINED = Effort()


@dataclass(frozen=True, kw_only=True)
class Regions:
    """What runs together, and where.

    Attributes:
        tiles: a window and the part of its output that is kept, for each region; the kept parts cover the image once.
        route: (N,) branch of each.
        cells: (rows, columns) the branch that each cell got, which may be better than the one it was sent to.
    """

    tiles: Sequence[Tile]
    route: Route
    cells: Route


def plan_regions(
    routes: NDArray[np.integer],
    height: int,
    width: int,
    *,
    cell: int,
    halo: int,
    price: Price,
    framed: bool = False,
    top: int = 0,
    left: int = 0,
) -> Regions:
    """Merge the cells of an image, or of a part of it, into regions.

    Args:
        routes: (rows, columns) the branch of each cell.
        height: of the image in degraded pixels.
        width: of the image.
        cell: side of a cell.
        halo: pixels of real image that a region is seen with, as far as the image reaches.
        price: what a region takes.
        framed: whether windows keep their size at the border of the image.
        top: the row of the image where the cells begin.
        left: the column where they begin.
    """
    regions = cut_into_regions(routes, price)
    tiles = []
    cells = np.empty(routes.shape, dtype=np.int64)
    for region in regions:
        cells[region.top : region.bottom, region.left : region.right] = region.branch
        inside = Box(
            top + region.top * cell,
            left + region.left * cell,
            min(top + region.bottom * cell, height),
            min(left + region.right * cell, width),
        )
        window = inside.framed(halo, height, width) if framed else inside.grown(halo, height, width)
        tiles.append(Tile(window=window, inside=inside))
    route = np.array([region.branch for region in regions], dtype=np.int64)
    return Regions(tiles=tiles, route=route, cells=cells)


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Decides for one model which branch restores what.

    Attributes:
        halo: context of a region, in degraded pixels.
        price: what a region takes: seconds where they were measured, otherwise executed operations.
        judging: seconds of the Class-Module for one cell, where they were measured.
    """

    model: Model
    halo: int
    price: Price
    judging: float | None = None

    @classmethod
    def by_operations(cls, model: Model) -> Planner:
        """Prices are executed operations, the same on every machine."""
        halo = halo_of(model)
        return cls(model=model, halo=halo, price=price_by_operations(model, halo))

    def route(self, scores: NDArray[np.floating], height: int, width: int, *, effort: Effort = TRAINED) -> Route:
        """The branch of each cell, from the probabilities (rows, columns, M) of an image.

        Raises:
            InputError: if even the cheapest branch exceeds the budget.
            ValueError: for a time where none was measured.
        """
        model = self.model
        judging = model.class_module_cost.executed
        if effort.seconds is not None:
            if self.judging is None:
                raise ValueError("a time needs measured prices")
            spend, limit, unit = self._spend(self.price, self.judging), effort.seconds, "seconds"
        elif effort.budget is not None:
            full = whole_image(model, height, width)
            operations = price_by_operations(model, self.halo)
            spend, limit, unit = self._spend(operations, judging, full), effort.budget, "of the full network"
        else:
            return model.route(scores, effort.speed)
        try:
            return within_budget(scores, model.routed_costs, spend, limit, speed=model.speed)
        except ValueError as error:
            raise InputError(f"{error} {unit}", hint="allow more") from None

    @staticmethod
    def _spend(price: Price, judging: float, unit: float = 1.0) -> Callable[[Route], float]:
        """What a route of all cells takes, merged into regions."""
        return lambda routes: (least_price(routes, price) + routes.size * judging) / unit

    def merge(self, routes: NDArray[np.integer], height: int, width: int, *, top: int = 0, left: int = 0) -> Regions:
        """The regions of an image, or of a part of it (:func:`plan_regions`).

        Networks that look at their whole input see windows of full size at the border of the image too.
        """
        return plan_regions(
            routes,
            height,
            width,
            cell=self.model.stride,
            halo=self.halo,
            price=self.price,
            framed=not all(plan.family.local for plan in self.model.plans),
            top=top,
            left=left,
        )


def halo_of(model: Model) -> int:
    """The context of a model's regions.

    A network alone gets all that it can see, and so gives the result of a whole-image pass; branches, and networks that
    see everything, get what their families ask for.
    """
    scale, families = model.task.bound.scale, [plan.family for plan in model.plans]
    context = max(family.context for family in families)
    if not all(family.local for family in families):
        return context
    reach = max(plan.family.receptive_field(plan.options, scale) for plan in model.plans)
    return reach if len(families) == 1 else min(reach, context)


def price_by_operations(model: Model, halo: int) -> Price:
    """Executed operations of a region with its context."""

    @cache
    def price(branch: int, rows: int, columns: int) -> float:
        inside = Box(0, 0, rows * model.stride, columns * model.stride)
        window = Box(-halo, -halo, inside.bottom + halo, inside.right + halo)
        return operations_of(model, branch, Tile(window=window, inside=inside))

    return price


def operations_of(model: Model, branch: int, tile: Tile) -> float:
    """What a branch of a model executes for a tile."""
    return operations(model.steps[branch], tile)


def operations_of_all(model: Model, tiles: Sequence[Tile], route: Route) -> float:
    """What all branches execute."""
    return sum(operations_of(model, branch, tile) for tile, branch in zip(tiles, route.tolist(), strict=True))


def whole_image(model: Model, height: int, width: int) -> float:
    """What the full network executes over a whole image."""
    return model.costs[-1].executed * height * width / model.patch**2
