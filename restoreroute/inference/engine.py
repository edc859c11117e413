"""Classify tiles, run them in groups, put them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from restoreroute.inference.tiles import Box, Tile, classifier_box, covered
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.policies import Route

ImageT = TypeVar("ImageT", Tensor, NDArray[Any])

BATCH_PIXELS = 64 * 32 * 32
"""Degraded pixels in one batch: enough to keep the cores busy, few enough to stay in cache."""


def classify(class_module: ClassModule, image: Tensor, tiles: Sequence[Tile], *, patch: int) -> NDArray[np.float32]:
    """Probability of each branch for each tile.

    Args:
        image: (C, h, w) in [0, 1]; where it is smaller than a patch its edge is repeated.
        patch: side of the square that the Class-Module was trained on.

    Returns:
        (N, M).
    """
    height, width = image.shape[1:]
    below, right = max(0, patch - height), max(0, patch - width)
    if below or right:
        image = functional.pad(image[None], (0, right, 0, below), mode="replicate")[0]
    boxes = [classifier_box(tile, height, width, patch=patch) for tile in tiles]
    size = max(1, BATCH_PIXELS // patch**2)
    with torch.inference_mode():
        probabilities = [
            class_module(_stack(image, boxes[start : start + size])).softmax(dim=1)
            for start in range(0, len(boxes), size)
        ]
    return torch.cat(probabilities).cpu().numpy()


def run_tiles(branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> Iterator[tuple[int, Tensor]]:
    """Each tile through its branch, tiles of one branch and one window shape together.

    Args:
        image: (C, h, w) in [0, 1].
        route: (N,) branch of each tile.

    Yields:
        Position of a tile and its output over the whole window, (C, window height * scale, width * scale).
    """
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for position, (tile, branch) in enumerate(zip(tiles, route.tolist(), strict=True)):
        groups[branch, tile.window.height, tile.window.width].append(position)
    for (branch, height, width), positions in groups.items():
        size = max(1, BATCH_PIXELS // (height * width))
        for start in range(0, len(positions), size):
            batch = positions[start : start + size]
            with torch.inference_mode():  # not around the yield: the mode would hold in the caller's code
                outputs = branches[branch](_stack(image, [tiles[position].window for position in batch]))
            yield from zip(batch, outputs, strict=True)


def restore_cells(branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> Tensor:
    """Restore by cells (:func:`~restoreroute.inference.tiles.cell_tiles`): exact size, every pixel from one cell.

    Args:
        image: (C, h, w) in [0, 1].

    Returns:
        (C, h * scale, w * scale), not clipped.
    """
    scale = branches.scale
    channels, height, width = image.shape
    restored = image.new_empty(channels, height * scale, width * scale)
    for position, output in run_tiles(branches, image, tiles, route):
        tile = tiles[position]
        crop(restored, tile.inside, scale).copy_(crop(output, tile.kept, scale))
    return restored


def restore_classsr(branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> Tensor:
    """Restore by the ``classsr`` protocol: patches rounded to 8 bits, overlaps averaged and not rounded again.

    Args:
        image: (C, h, w) in [0, 1].
        tiles: from :func:`~restoreroute.inference.tiles.classsr_tiles`.

    Returns:
        (C, covered height * scale, covered width * scale) in [0, 1].
    """
    scale = branches.scale
    height, width = covered(list(tiles))
    total = image.new_zeros(image.shape[0], height * scale, width * scale)
    count = image.new_zeros(height * scale, width * scale)
    for position, output in run_tiles(branches, image, tiles, route):
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
