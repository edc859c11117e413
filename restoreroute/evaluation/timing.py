"""Ways to restore one image, timed in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restoreroute.inference.engine import classify, crop, restore_cells, restore_classsr, restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import merge_cells, plan_regions, price_by_operations
from restoreroute.inference.tiles import Tile, classsr_tiles, covered
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, fixed
from restoreroute.spec.timings import Timing

WHOLE = "full network, whole image"
TILES = "full network, large tiles"
PATCHES = "full network, patches"
LOOP = "routed, patch by patch"
CLASSSR = "routed, classsr"
SEAMLESS = "routed, seamless"

KIBIBYTE = 1024


def ways(model: Model, image: Tensor, routes: Route) -> dict[str, Callable[[], Tensor]]:
    """Every way to restore an image with the same networks and the same routing decisions.

    The Class-Module runs in every routed way, and its cost is part of the time, but ``routes`` are what is done: so an
    untrained model can be timed with the shares of a trained one.

    Args:
        image: (C, h, w) in [0, 1], at least one patch large.
        routes: (rows, columns) branch of each cell.
    """
    height, width = image.shape[1:]
    full = model.branches[-1]
    patches = classsr_tiles(height, width, patch=model.patch, stride=model.stride)
    everywhere = fixed(len(model.branches) - 1, len(patches))
    rows = (height - model.patch) // model.stride + 1
    route = routes[:rows, : len(patches) // rows].ravel()
    found = {WHOLE: lambda: restore_whole(full, image)}
    if model.plans[-1].family.local:
        found[TILES] = lambda: _in_large_tiles(model, image)
    return found | {
        PATCHES: lambda: restore_classsr(model.branches, image, patches, everywhere),
        LOOP: lambda: patch_by_patch(model, image, patches, route),
        CLASSSR: lambda: _classsr(model, image, patches, route),
        SEAMLESS: lambda: _seamless(model, image, routes),
    }


def patch_by_patch(model: Model, image: Tensor, tiles: list[Tile], route: Route) -> Tensor:
    """The published way: one patch at a time through Class-Module and branch, rounded, overlaps averaged.

    Returns:
        (C, covered height * scale, covered width * scale) in [0, 1].
    """
    scale = model.branches.scale
    height, width = covered(tiles)
    total = image.new_zeros(image.shape[0], height * scale, width * scale)
    count = image.new_zeros(height * scale, width * scale)
    with torch.inference_mode():
        for tile, branch in zip(tiles, route.tolist(), strict=True):
            patch = crop(image, tile.window, 1)[None].contiguous(memory_format=torch.channels_last)
            _judge(model.class_module, patch)
            output = model.branches[branch](patch)[0]
            crop(total, tile.inside, scale).add_(output.clamp(0, 1).mul(255).round())
            crop(count, tile.inside, scale).add_(1)
    return total / count / 255


def _judge(class_module: nn.Module | None, patch: Tensor) -> None:
    if class_module is not None:
        class_module(patch)


def _classsr(model: Model, image: Tensor, tiles: list[Tile], route: Route) -> Tensor:
    if model.class_module is not None:
        classify(model.class_module, image, tiles, patch=model.patch)
    return restore_classsr(model.branches, image, tiles, route)


def _seamless(model: Model, image: Tensor, routes: Route) -> Tensor:
    if model.class_module is not None:
        score_cells(model.class_module, image, cell=model.stride, patch=model.patch)
    regions = merge_cells(model, routes, *image.shape[1:])
    return restore_cells(model.branches, image, regions.tiles, regions.route)


def _in_large_tiles(model: Model, image: Tensor) -> Tensor:
    """Blocks of 8 x 8 cells with all the context that the network can see: the result of the whole-image pass."""
    height, width = image.shape[1:]
    last = len(model.branches) - 1
    plan = model.plans[-1]
    halo = plan.family.receptive_field(plan.options, model.branches.scale)
    routes = np.full((-(-height // model.stride), -(-width // model.stride)), last)
    price = price_by_operations(model, halo)
    regions = plan_regions(routes, height, width, cell=model.stride, halo=halo, price=price)
    return restore_cells(model.branches, image, regions.tiles, regions.route)


def in_turn(
    found: Mapping[str, Callable[[], Tensor]], *, rounds: int, progress: Callable[[int, int], None]
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
                _forget_peak()
            start = time.perf_counter()
            way().cpu()  # waits for a device to finish
            taken = time.perf_counter() - start
            if number == 0:
                memory[name] = _peak()
            else:
                seconds[name].append(taken)
    progress(calls, calls)
    return {name: Timing(seconds=tuple(taken), memory=memory[name]) for name, taken in seconds.items()}


def _forget_peak() -> None:
    """Linux: let the highest resident memory start anew from what it is now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak() -> int | None:
    """Linux: highest resident memory in bytes since :func:`_forget_peak`."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * KIBIBYTE if found else None
