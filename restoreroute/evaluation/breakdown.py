"""Where the time of the seamless way goes, and how far its networks are from what the machine can do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restoreroute.evaluation.timing import regions_of
from restoreroute.inference.engine import groups, kept, place, stack
from restoreroute.inference.seamless import Planner, operations_of_all
from restoreroute.inference.steps import run_chains
from restoreroute.routing.policies import Route
from restoreroute.spec.timings import BRANCHES, GATHER, PLACING, ROUTING, Breakdown

PEAK_CHANNELS = 64
PEAK_SHAPES = ((8, 32), (2, 64), (1, 128), (1, 256))
"""Batch and side of the inputs among which the best is looked for."""
PEAK_RUNS = 10


def break_down(planner: Planner, image: Tensor, routes: Route, *, rounds: int) -> Breakdown:
    """The seamless way part by part."""
    model = planner.model
    scale, (channels, height, width) = model.branches.scale, image.shape
    parts: dict[str, list[float]] = {ROUTING: [], GATHER: [], BRANCHES: [], PLACING: []}
    operations = 0.0
    for _ in range(rounds):
        spent = dict.fromkeys(parts, 0.0)
        with _clock(spent, ROUTING, image.device):
            regions = regions_of(planner, image, routes)
        with _clock(spent, PLACING, image.device):
            pixels = np.empty((height * scale, width * scale, channels), dtype=np.uint8)
        for group in groups(model.branches, regions.tiles, regions.route):
            tiles = [regions.tiles[position] for position in group.positions]
            with _clock(spent, GATHER, image.device):
                windows = stack(image, [tile.window for tile in tiles])
            with _clock(spent, BRANCHES, image.device), torch.inference_mode():
                outputs = run_chains(model.branches.chains(group.branch), windows, group.context)
            with _clock(spent, PLACING, image.device):
                for tile, output in zip(tiles, outputs, strict=True):
                    place(pixels, kept(output, tile, scale), tile.inside, scale)
        for name, seconds in spent.items():
            parts[name].append(seconds)
        operations = operations_of_all(model, regions.tiles, regions.route)
    return Breakdown(
        seconds={name: median(seconds) for name, seconds in parts.items()},
        operations=operations,
        peak=_peak(image.device),
    )


@contextmanager
def _clock(spent: dict[str, float], name: str, device: torch.device) -> Iterator[None]:
    start = time.perf_counter()
    yield
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    spent[name] += time.perf_counter() - start


def _peak(device: torch.device) -> float:
    """Operations a second of a convolution that suits the machine: the most of a few sizes and runs."""
    found = 0.0
    for batch, side in PEAK_SHAPES:
        features = torch.rand(batch, PEAK_CHANNELS, side, side, device=device).to(memory_format=torch.channels_last)
        weight = torch.rand(PEAK_CHANNELS, PEAK_CHANNELS, 3, 3, device=device).to(memory_format=torch.channels_last)
        executed = 2 * 9 * PEAK_CHANNELS**2 * batch * side**2
        for _ in range(PEAK_RUNS):
            spent = {BRANCHES: 0.0}
            with _clock(spent, BRANCHES, device), torch.inference_mode():
                functional.conv2d(features, weight, padding=1)
            found = max(found, executed / spent[BRANCHES])
    return found
