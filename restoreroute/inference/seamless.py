"""Whole images without seams: cells are routed, merged into regions, and run with real context around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from restoreroute.inference.regions import Price, cut_into_regions
from restoreroute.inference.tiles import Box, Tile
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route

CONTEXT = 4
"""Pixels of real image around a region: more costs more than it gains where regions are large."""


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
    routes: NDArray[np.integer], height: int, width: int, *, cell: int, halo: int, price: Price
) -> Regions:
    """Merge the cells of an image into regions.

    Args:
        routes: (rows, columns) the branch of each cell.
        height: of the image in degraded pixels.
        width: of the image.
        cell: side of a cell.
        halo: pixels of real image that a region is seen with, as far as the image reaches.
        price: what a region takes.
    """
    regions = cut_into_regions(routes, price)
    tiles = []
    cells = np.empty(routes.shape, dtype=np.int64)
    for region in regions:
        cells[region.top : region.bottom, region.left : region.right] = region.branch
        top, left = region.top * cell, region.left * cell
        bottom, right = min(region.bottom * cell, height), min(region.right * cell, width)
        window = Box(max(top - halo, 0), max(left - halo, 0), min(bottom + halo, height), min(right + halo, width))
        tiles.append(Tile(window=window, inside=Box(top, left, bottom, right)))
    route = np.array([region.branch for region in regions], dtype=np.int64)
    return Regions(tiles=tiles, route=route, cells=cells)


def merge_cells(model: Model, routes: NDArray[np.integer], height: int, width: int) -> Regions:
    """As :func:`plan_regions`, with the context that suits a model and its operations as the price."""
    halo = context(model)
    price = price_by_operations(model, halo)
    return plan_regions(routes, height, width, cell=model.stride, halo=halo, price=price)


def context(model: Model) -> int:
    """The halo of a model: no more than its networks can see; what its patches had where they see everything."""
    if not all(plan.family.local for plan in model.plans):
        return (model.patch - model.stride) // 2
    reach = [plan.family.receptive_field(plan.options, model.task.bound.scale) for plan in model.plans]
    return min(CONTEXT, max(reach))


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
