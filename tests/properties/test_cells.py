"""Cells over images of any size."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from restoreroute.inference.engine import restore_cells, restore_whole
from restoreroute.inference.tiles import Box, cell_tiles
from restoreroute.routing.branches import BranchBank

sides = st.integers(1, 60)


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.top <= inner.top <= inner.bottom <= outer.bottom
        and outer.left <= inner.left <= inner.right <= outer.right
    )


@given(sides, sides, st.integers(2, 40), st.integers(0, 12))
@settings(deadline=None, max_examples=40)
def test_cells_partition_the_image(height: int, width: int, cell: int, halo: int) -> None:
    image = Box(0, 0, height, width)
    count = np.zeros((height, width), dtype=np.int64)
    for tile in cell_tiles(height, width, cell=cell, halo=halo):
        place, window = tile.inside, tile.window
        count[place.top : place.bottom, place.left : place.right] += 1
        assert inside(place, window)
        assert inside(window, image)
        assert 1 <= place.height <= cell
        assert 1 <= place.width <= cell
        # as much around it as said, unless the image ends
        assert place.top - window.top == min(halo, place.top)
        assert place.left - window.left == min(halo, place.left)
        assert window.bottom - place.bottom == min(halo, height - place.bottom)
        assert window.right - place.right == min(halo, width - place.right)
        top, left, bottom, right = tile.context
        assert Box(window.top + top, window.left + left, window.bottom - bottom, window.right - right) == place
    assert (count == 1).all()


class Blur(nn.Module):
    """A 5 x 5 conv and a pixel shuffle: reach 2."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        torch.manual_seed(scale)
        self.conv = nn.Conv2d(2, 2 * scale * scale, 5, padding=2)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, degraded: torch.Tensor) -> torch.Tensor:
        restored: torch.Tensor = self.shuffle(self.conv(degraded))
        return restored


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30), st.integers(2, 5), st.sampled_from([1, 2, 3]))
@settings(deadline=None, max_examples=20)
def test_pieces_put_together_are_the_whole(height: int, width: int, cell: int, halo: int, scale: int) -> None:
    network = Blur(scale)
    image = torch.rand(2, height, width, generator=torch.Generator().manual_seed(height * 100 + width))
    tiles = cell_tiles(height, width, cell=cell, halo=halo)
    route = np.random.default_rng(cell).integers(2, size=len(tiles))
    restored = restore_cells(BranchBank([network, network], scale=scale), image, tiles, route)
    assert restored.shape == (2, height * scale, width * scale)
    torch.testing.assert_close(restored, restore_whole(network, image), rtol=0, atol=1e-5)
