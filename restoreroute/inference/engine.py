"""Classify tiles, run them in groups, put them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from restoreroute.inference.steps import run_chains
from restoreroute.inference.tiles import Box, Sides, Tile, covered
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.policies import Route

ImageT = TypeVar("ImageT", Tensor, NDArray[Any])

BATCH_PIXELS = 64 * 32 * 32
"""Degraded pixels in one batch: enough to keep the cores busy, few enough to stay in cache."""


def classify(
    class_module: ClassModule, image: Tensor, tiles: Sequence[Tile], *, batch_pixels: int = BATCH_PIXELS
) -> NDArray[np.float32]:
    """Probability of each branch for each tile, which the Class-Module sees as it is; tiles are of one size.

    Args:
        image: (C, h, w) in [0, 1].
        batch_pixels: degraded pixels in one batch; 1 takes one tile at a time.

    Returns:
        (N, M).
    """
    size = max(1, batch_pixels // tiles[0].window.area)
    with torch.inference_mode():
        probabilities = [
            class_module(_stack(image, [tile.window for tile in tiles[start : start + size]])).softmax(dim=1)
            for start in range(0, len(tiles), size)
        ]
    return torch.cat(probabilities).cpu().numpy()


def run_tiles(
    branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route, *, batch_pixels: int = BATCH_PIXELS
) -> Iterator[tuple[int, Tensor]]:
    """Each tile through its branch, tiles of one branch and one shape together.

    Args:
        image: (C, h, w) in [0, 1].
        route: (N,) branch of each tile.
        batch_pixels: degraded pixels in one batch; 1 takes one tile at a time.

    Yields:
        Position of a tile and its output over what is kept, (C, inside height * scale, inside width * scale).
    """
    groups: dict[tuple[int, int, int, Sides], list[int]] = defaultdict(list)
    for position, (tile, branch) in enumerate(zip(tiles, route.tolist(), strict=True)):
        groups[branch, tile.window.height, tile.window.width, tile.context].append(position)
    chains = {branch: branches.chains(branch) for branch in {branch for branch, *_ in groups}}
    for (branch, height, width, context), positions in groups.items():
        size = max(1, batch_pixels // (height * width))
        for start in range(0, len(positions), size):
            batch = positions[start : start + size]
            with torch.inference_mode():  # not around the yield: the mode would hold in the caller's code
                outputs = run_chains(
                    chains[branch], _stack(image, [tiles[position].window for position in batch]), context
                )
            yield from zip(batch, outputs, strict=True)


def restore_cells(branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> Tensor:
    """Restore by tiles whose insides cover every pixel once, cells or regions: exact size, no seams.

    Args:
        image: (C, h, w) in [0, 1].

    Returns:
        (C, h * scale, w * scale), not clipped; the colours of a pixel lie together in memory.
    """
    scale = branches.scale
    channels, height, width = image.shape
    restored = image.new_empty(height * scale, width * scale, channels).permute(2, 0, 1)
    for position, output in run_tiles(branches, image, tiles, route):
        crop(restored, tiles[position].inside, scale).copy_(output)
    return restored


def restore_classsr(
    branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route, *, batch_pixels: int = BATCH_PIXELS
) -> Tensor:
    """Restore by the ``classsr`` protocol: patches rounded to 8 bits, overlaps averaged and not rounded again.

    Args:
        image: (C, h, w) in [0, 1].
        tiles: from :func:`~restoreroute.inference.tiles.classsr_tiles`.
        batch_pixels: degraded pixels in one batch; 1 takes one patch at a time.

    Returns:
        (C, covered height * scale, covered width * scale) in [0, 1].
    """
    scale = branches.scale
    height, width = covered(list(tiles))
    total = image.new_zeros(image.shape[0], height * scale, width * scale)
    count = image.new_zeros(height * scale, width * scale)
    for position, output in run_tiles(branches, image, tiles, route, batch_pixels=batch_pixels):
        inside = tiles[position].inside
        crop(total, inside, scale).add_(output.clamp(0, 1).mul(255).round())
        crop(count, inside, scale).add_(1)
    return total / count / 255


def restore_whole(network: nn.Module, image: Tensor) -> Tensor:
    """One pass over the whole image, (C, h, w) -> (C, h * scale, w * scale), not clipped."""
    with torch.inference_mode():
        restored: Tensor = network(image[None].contiguous(memory_format=torch.channels_last))[0]
    return restored


def _stack(image: Tensor, boxes: Sequence[Box]) -> Tensor:
    """(B, C, h, w) channels_last windows of one size."""
    windows = torch.stack([crop(image, box, 1) for box in boxes])
    return windows.contiguous(memory_format=torch.channels_last)


def crop(image: ImageT, box: Box, scale: int) -> ImageT:
    """A view of a tensor or array (..., H, W) over a box of degraded pixels."""
    view: ImageT = image[..., box.top * scale : box.bottom * scale, box.left * scale : box.right * scale]
    return view
