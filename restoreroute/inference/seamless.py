"""Whole images without seams: cells are routed, merged into regions, and run with real context around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from restoreroute.errors import InputError
from restoreroute.inference.regions import Price, cut_into_regions, least_price
from restoreroute.inference.tiles import Box, Tile
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, at_speed, within_budget

CONTEXT = 4
"""Pixels of real image around a region: more costs more than it gains where regions are large."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to spend on an image, decided without training anew.

    Attributes:
        budget: executed operations that may be spent, Class-Module and context included, as a share of what the full
            network executes over the image; None for no limit.
        speed: how much cheap branches are preferred where there is no budget: the branch of a cell is the one with the
            largest p / cost ** speed.  0, the argmax, is what the model was trained for.
    """

    budget: float | None = None
    speed: float = 0.0


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
        tiles.append(Tile(window=inside.grown(halo, height, width), inside=inside))
    route = np.array([region.branch for region in regions], dtype=np.int64)
    return Regions(tiles=tiles, route=route, cells=cells)


def merge_cells(
    model: Model, routes: NDArray[np.integer], height: int, width: int, *, top: int = 0, left: int = 0
) -> Regions:
    """As :func:`plan_regions`, with the context that suits a model and its operations as the price."""
    halo = halo_of(model)
    price = price_by_operations(model, halo)
    return plan_regions(routes, height, width, cell=model.stride, halo=halo, price=price, top=top, left=left)


def halo_of(model: Model) -> int:
    """The context of a model's regions.

    A network alone gets all that it can see, and so gives the result of a whole-image pass; networks that see
    everything get what their patches had.
    """
    if not all(plan.family.local for plan in model.plans):
        return (model.patch - model.stride) // 2
    reach = max(plan.family.receptive_field(plan.options, model.task.bound.scale) for plan in model.plans)
    return reach if len(model.plans) == 1 else min(CONTEXT, reach)


def price_by_operations(model: Model, halo: int) -> Price:
    """Executed operations of a region with its halo: the same on every machine.

    A network that looks at its whole input was trained on patches and is given nothing larger.
    """
    per_pixel = [cost.executed / model.patch**2 for cost in model.costs]

    def price(branch: int, rows: int, columns: int) -> float:
        if rows * columns > 1 and not model.plans[branch].family.local:
            return inf
        area = (rows * model.stride + 2 * halo) * (columns * model.stride + 2 * halo)
        return per_pixel[branch] * area

    return price


def choose_routes(
    model: Model, scores: NDArray[np.floating], height: int, width: int, *, effort: Effort = TRAINED
) -> Route:
    """The branch of each cell, from the probabilities (rows, columns, M) of an image.

    Raises:
        InputError: if even the cheapest branch exceeds the budget.
    """
    judging = model.class_module_cost.executed
    costs = [cost.executed + judging for cost in model.costs]
    if effort.budget is None:
        return at_speed(scores, costs, effort.speed)
    price = price_by_operations(model, halo_of(model))
    full = model.costs[-1].executed * height * width / model.patch**2

    def spend(routes: Route) -> float:
        return (least_price(routes, price) + routes.size * judging) / full

    try:
        return within_budget(scores, costs, spend, effort.budget)
    except ValueError as error:
        raise InputError(f"{error} of the full network", hint="allow a larger budget") from None
