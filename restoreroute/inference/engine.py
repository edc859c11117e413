"""Classify tiles, run them in groups, put them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from restoreroute.inference.memory import is_shortage
from restoreroute.inference.pixels import as_pixels
from restoreroute.inference.steps import NO_CONTEXT, run_chains
from restoreroute.inference.tiles import Box, Sides, Tile, covered
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.policies import Route
from restoreroute.spec.backbone import Chain
from restoreroute.spec.events import Listener, Notice, ignore

ImageT = TypeVar("ImageT", Tensor, NDArray[Any])

BATCH_PIXELS = 16 * 32 * 32
"""Degraded pixels in one batch: enough to keep the cores busy, few enough to stay in cache.

With four times as many CARN took up to a quarter longer, whose features leave the cache where they are as fine as the
restored image; a quarter of it cost networks of few channels the same.
"""


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
            class_module(stack(image, [tile.window for tile in tiles[start : start + size]])).softmax(dim=1)
            for start in range(0, len(tiles), size)
        ]
    return torch.cat(probabilities).cpu().numpy()


@dataclass(frozen=True, kw_only=True)
class Group:
    """Tiles that run together.

    Attributes:
        branch: which runs.
        context: of their windows; none for a branch without steps, whose output is cut afterwards (:func:`kept`).
        positions: of the tiles.
    """

    branch: int
    context: Sides
    positions: Sequence[int]


def groups(
    branches: BranchBank, tiles: Sequence[Tile], route: Route, *, batch_pixels: int = BATCH_PIXELS
) -> Iterator[Group]:
    """Tiles of one branch and one shape together, in batches.

    Args:
        route: (N,) branch of each tile.
        batch_pixels: degraded pixels in one batch; 1 takes one tile at a time.
    """
    alike: dict[tuple[int, int, int, Sides], list[int]] = defaultdict(list)
    for position, (tile, branch) in enumerate(zip(tiles, route.tolist(), strict=True)):
        context = NO_CONTEXT if branches.runs_whole(branch) else tile.context
        alike[branch, tile.window.height, tile.window.width, context].append(position)
    for (branch, height, width, context), positions in alike.items():
        size = max(1, batch_pixels // (height * width))
        for start in range(0, len(positions), size):
            yield Group(branch=branch, context=context, positions=positions[start : start + size])


def run_tiles(
    branches: BranchBank,
    image: Tensor,
    tiles: Sequence[Tile],
    route: Route,
    *,
    batch_pixels: int = BATCH_PIXELS,
    listen: Listener = ignore,
) -> Iterator[tuple[int, Tensor]]:
    """Each tile through its branch, by :func:`groups`.

    Args:
        image: (C, h, w) in [0, 1].
        route: (N,) branch of each tile.
        batch_pixels: degraded pixels in one batch; 1 takes one tile at a time.
        listen: hears where memory was too short for a batch, and smaller ones ran.

    Yields:
        Position of a tile and its output over what is kept, (C, inside height * scale, inside width * scale).

    Raises:
        MemoryError: if there is not enough for one tile.
    """
    chains = {branch: branches.chains(branch) for branch in set(route.tolist())}
    for group in groups(branches, tiles, route, batch_pixels=batch_pixels):
        windows = [tiles[position].window for position in group.positions]
        outputs = _run_batch(chains[group.branch], image, windows, group.context, listen)
        for position, output in zip(group.positions, outputs, strict=True):
            yield position, kept(output, tiles[position], branches.scale)


def kept(output: Tensor, tile: Tile, scale: int) -> Tensor:
    """The part of a branch's output over a tile's inside, whether its context was used up or not."""
    inside = tile.inside
    if output.shape[1:] == (inside.height * scale, inside.width * scale):
        return output
    return crop(output, inside.moved(-tile.window.top, -tile.window.left), scale)


def _run_batch(
    chains: Sequence[Chain], image: Tensor, windows: Sequence[Box], context: Sides, listen: Listener
) -> list[Tensor]:
    """The outputs of windows of one shape, in two halves where memory is too short for them together."""
    try:
        with torch.inference_mode():
            return list(run_chains(chains, stack(image, windows), context))
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        if len(windows) == 1:
            raise MemoryError("not even for one region") from error
    half = len(windows) // 2
    listen(Notice(text=f"memory is too short for {len(windows)} regions at once; they run in two halves"))
    return [
        *_run_batch(chains, image, windows[:half], context, listen),
        *_run_batch(chains, image, windows[half:], context, listen),
    ]


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


def restore_pixels(branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> NDArray[np.uint8]:
    """As :func:`restore_cells`, in 8 bit: each region is rounded while it is still in cache.

    Returns:
        (h * scale, w * scale, C).
    """
    scale = branches.scale
    channels, height, width = image.shape
    pixels = np.empty((height * scale, width * scale, channels), dtype=np.uint8)
    for position, output in run_tiles(branches, image, tiles, route):
        place(pixels, output, tiles[position].inside, scale)
    return pixels


def place(pixels: NDArray[Any], output: Tensor, box: Box, scale: int) -> None:
    """Put the output of a region (C, H, W) where it belongs in an image (H, W, C), in the image's type."""
    crop(pixels.transpose(2, 0, 1), box, scale)[:] = as_pixels(output, pixels.dtype)


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


def stack(image: Tensor, boxes: Sequence[Box]) -> Tensor:
    """(B, C, h, w) channels_last windows of one size."""
    windows = torch.stack([crop(image, box, 1) for box in boxes])
    return windows.contiguous(memory_format=torch.channels_last)


def crop(image: ImageT, box: Box, scale: int) -> ImageT:
    """A view of a tensor or array (..., H, W) over a box of degraded pixels."""
    view: ImageT = image[..., box.top * scale : box.bottom * scale, box.left * scale : box.right * scale]
    return view
