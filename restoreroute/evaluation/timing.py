"""Ways to restore one image, timed in turn: from degraded values to restored pixels of 8 bit, both in memory."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from restoreroute.inference.engine import (
    BATCH_PIXELS,
    classify,
    restore_classsr,
    restore_pixels,
    restore_whole,
)
from restoreroute.inference.memory import forget_peak, fresh_memory, peak_memory
from restoreroute.inference.pixels import as_pixels
from restoreroute.inference.regions import BLOCK
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Planner, Regions
from restoreroute.inference.tiles import Tile, cell_tiles, classsr_tiles
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, fixed
from restoreroute.spec.timings import Timing

PLAIN = "full network, plain PyTorch"
WHOLE = "full network, whole image"
TILES = "full network, large tiles"
PATCHES = "full network, patches"
LOOP = "routed, patch by patch"
CLASSSR = "routed, classsr"
SEAMLESS = "routed, seamless"


Way = Callable[[], NDArray[np.uint8]]


def ways(model: Model, image: Tensor, routes: Route, planner: Planner) -> dict[str, Way]:
    """Every way to restore an image with the same networks and the same routing decisions.

    The Class-Module runs in every routed way, and its cost is part of the time, but ``routes`` are what is done: so an
    untrained model can be timed with the shares of a trained one.

    Args:
        image: (C, h, w) in [0, 1], at least one patch large.
        routes: (rows, columns) branch of each cell.
        planner: cuts the seamless way's regions.
    """
    height, width = image.shape[1:]
    last = len(model.branches) - 1
    patches = classsr_tiles(height, width, patch=model.patch, stride=model.stride)
    rows = (height - model.patch) // model.stride + 1
    route = routes[:rows, : len(patches) // rows].ravel()
    published = _as_published(model)
    found: dict[str, Way] = {
        PLAIN: lambda: _plain(published.branches[last], image),
        WHOLE: lambda: _pixels(restore_whole(model.branches[last], image)),
    }
    if model.plans[last].family.local:
        tiles = _large_tiles(model, height, width)
        found[TILES] = lambda: restore_pixels(model.branches, image, tiles, fixed(last, len(tiles)))
    found |= {
        PATCHES: lambda: _pixels(restore_classsr(model.branches, image, patches, fixed(last, len(patches)))),
        LOOP: lambda: _by_patches(published, image, patches, route, batch_pixels=1),
        CLASSSR: lambda: _by_patches(model, image, patches, route),
        SEAMLESS: lambda: _seamless(planner, image, routes),
    }
    for branch, way in enumerate(alone(model)):
        found[way] = partial(_seamless, planner, image, np.full_like(routes, branch))
    return found


def alone(model: Model) -> tuple[str, ...]:
    """The names of the seamless way with every cell on one branch, cheapest first."""
    return tuple(f"seamless, all on {plan.name}" for plan in model.plans)


def _plain(network: nn.Module, image: Tensor) -> NDArray[np.uint8]:
    """One pass with nothing done to be quick: contiguous memory, fresh from the system."""
    with fresh_memory():
        return _pixels(restore_whole(network, image))


class _Contiguous(nn.Module):
    """A network as the authors' code runs it: whole, in contiguous memory."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        self.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    def forward(self, degraded: Tensor) -> Tensor:
        restored: Tensor = self.network(degraded.contiguous())
        return restored


def _as_published(model: Model) -> Model:
    networks = [_Contiguous(network) for network in model.branches]
    return replace(model, branches=BranchBank(networks, scale=model.branches.scale).eval())


def _by_patches(
    model: Model, image: Tensor, tiles: list[Tile], route: Route, *, batch_pixels: int = BATCH_PIXELS
) -> NDArray[np.uint8]:
    if model.class_module is not None:
        classify(model.class_module, image, tiles, batch_pixels=batch_pixels)
    return _pixels(restore_classsr(model.branches, image, tiles, route, batch_pixels=batch_pixels))


def _seamless(planner: Planner, image: Tensor, routes: Route) -> NDArray[np.uint8]:
    regions = regions_of(planner, image, routes)
    return restore_pixels(planner.model.branches, image, regions.tiles, regions.route)


def regions_of(planner: Planner, image: Tensor, routes: Route) -> Regions:
    """What is to be done, decided as for any image; the decision itself is given."""
    model = planner.model
    if model.class_module is not None:
        score_cells(model.class_module, image, cell=model.stride, patch=model.patch)
    return planner.merge(routes, *image.shape[1:])


def _pixels(restored: Tensor) -> NDArray[np.uint8]:
    return as_pixels(restored, np.dtype(np.uint8)).transpose(1, 2, 0)


def _large_tiles(model: Model, height: int, width: int) -> list[Tile]:
    """Blocks of 8 x 8 cells with all the context that the full network can see: the result of the whole-image pass."""
    plan = model.plans[-1]
    halo = plan.family.receptive_field(plan.options, model.branches.scale)
    return cell_tiles(height, width, cell=BLOCK * model.stride, halo=halo)


def in_turn(
    found: Mapping[str, Callable[[], object]], *, rounds: int, progress: Callable[[int, int], None]
) -> dict[str, Timing]:
    """Time ways one after the other, round by round, after one round that does not count.

    Args:
        progress: called with the calls done and all calls.
    """
    seconds: dict[str, list[float]] = {name: [] for name in found}
    memory: dict[str, int | None] = {}
    calls = len(found) * (rounds + 1)
    for number in range(rounds + 1):
        for position, (name, way) in enumerate(found.items()):
            progress(number * len(found) + position, calls)
            if number == 0:
                forget_peak()
            start = time.perf_counter()
            way()
            taken = time.perf_counter() - start
            if number == 0:
                memory[name] = peak_memory()
            else:
                seconds[name].append(taken)
    progress(calls, calls)
    return {name: Timing(seconds=tuple(taken), memory=memory[name]) for name, taken in seconds.items()}
