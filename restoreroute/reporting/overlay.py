"""The routing map: which branch restored which part, painted over the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from restoreroute.imaging.color import from_float
from restoreroute.inference.tiles import Tile
from restoreroute.routing.policies import Route

GREEN, YELLOW, RED = (46, 160, 67), (240, 200, 40), (215, 50, 45)
STRENGTH = 0.35


def branch_colours(branches: int) -> NDArray[np.float32]:
    """(M, 3) colours on 0..255 from green (cheapest) over yellow to red (full network)."""
    anchors = np.array([GREEN, YELLOW, RED], dtype=np.float64)
    places = np.linspace(0, 1, branches) if branches > 1 else np.zeros(1)
    channels = [np.interp(places, (0, 0.5, 1), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).astype(np.float32)


def paint_route(
    restored: NDArray[np.uint8], tiles: Sequence[Tile], route: Route, *, scale: int, branches: int
) -> NDArray[np.uint8]:
    """Tint each tile with the colour of its branch.

    Args:
        restored: (H, W, 3); greys stay grey under the tint, so structure remains visible.
        tiles: units of routing, in degraded pixels.
        route: (N,) branch of each tile.
        scale: restored pixels per degraded pixel.
        branches: number of branches.

    Returns:
        (H, W, 3).
    """
    colours = branch_colours(branches)
    grey = restored.mean(axis=2, keepdims=True, dtype=np.float32).repeat(3, axis=2)
    painted = grey * (1 - STRENGTH)
    for tile, branch in zip(tiles, route.tolist(), strict=True):
        box = tile.inside
        rows = slice(box.top * scale, box.bottom * scale)
        columns = slice(box.left * scale, box.right * scale)
        painted[rows, columns] = grey[rows, columns] * (1 - STRENGTH) + colours[branch] * STRENGTH
    return from_float(painted / 255, np.uint8)
