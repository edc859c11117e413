"""Grouped running of tiles against one tile at a time, and pieces against the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from restoreroute.imaging.color import from_float
from restoreroute.inference.engine import (
    classify,
    crop,
    restore_cells,
    restore_classsr,
    restore_pixels,
    restore_whole,
    run_tiles,
)
from restoreroute.inference.tiles import Box, Tile, cell_tiles, classsr_tiles
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.policies import Route, fixed
from restoreroute_backbones.fsrcnn import FSRCNN, FsrcnnOptions


def fsrcnn(width: int, scale: int, seed: int = 0) -> nn.Module:
    """A network whose every weight counts: fresh ones hardly mix neighbours."""
    torch.manual_seed(seed)
    network = FSRCNN.build(FsrcnnOptions(), width=width, scale=scale, channels=3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.03)
    return network


def draw(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def bank() -> BranchBank:
    return BranchBank([fsrcnn(width, 2, seed=width) for width in (4, 5, 6)], scale=2)


def inside_of(tile: Tile) -> tuple[int, int]:
    return tile.inside.height, tile.inside.width


def routes(tiles: Sequence[Tile], branches: int) -> list[Route]:
    drawn = [np.random.default_rng(seed).integers(branches, size=len(tiles)) for seed in range(3)]
    return [*drawn, fixed(0, len(tiles)), fixed(branches - 1, len(tiles))]


BATCHES = pytest.mark.parametrize("batch_pixels", [1, 700, 64 * 32 * 32])
"""Batches of one, of a few, of all."""


@BATCHES
@pytest.mark.parametrize(
    "cut", [lambda: classsr_tiles(37, 53, patch=16, stride=12), lambda: cell_tiles(37, 53, cell=12, halo=2)]
)
def test_run_tiles_equals_one_by_one(bank: BranchBank, cut: Callable[[], list[Tile]], batch_pixels: int) -> None:
    image, tiles = draw(37, 53), cut()
    for route in routes(tiles, 3):
        seen = dict(run_tiles(bank, image, tiles, route, batch_pixels=batch_pixels))
        assert sorted(seen) == list(range(len(tiles)))
        for position, output in seen.items():
            with torch.no_grad():
                whole = bank[int(route[position])](crop(image, tiles[position].window, 1)[None])[0]
            top, left, _, _ = tiles[position].context
            expected = crop(whole, Box(0, 0, *inside_of(tiles[position])).moved(top, left), 2)
            torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


def test_run_tiles_needs_a_branch_for_every_tile(bank: BranchBank) -> None:
    with pytest.raises(ValueError, match="argument"):
        list(run_tiles(bank, draw(20, 20), cell_tiles(20, 20, cell=10, halo=0), fixed(0, 3)))


def test_the_callers_code_is_not_put_into_inference_mode(bank: BranchBank) -> None:
    tiles = cell_tiles(20, 20, cell=10, halo=0)
    for _ in run_tiles(bank, draw(20, 20), tiles, fixed(0, len(tiles))):
        assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("height", "width", "cell"), [(1, 1, 12), (1, 30, 8), (12, 12, 12), (25, 31, 12), (40, 23, 16), (13, 50, 7)]
)
def test_one_branch_in_cells_equals_the_whole_image(scale: int, height: int, width: int, cell: int) -> None:
    network = fsrcnn(6, scale)
    image = draw(height, width)
    halo = FSRCNN.receptive_field(FsrcnnOptions(), scale)
    tiles = cell_tiles(height, width, cell=cell, halo=halo)
    restored = restore_cells(BranchBank([network], scale=scale), image, tiles, fixed(0, len(tiles)))
    assert restored.shape == (3, height * scale, width * scale)
    torch.testing.assert_close(restored, restore_whole(network, image), rtol=0, atol=1e-5)


def test_a_smaller_halo_does_not_do() -> None:
    network = fsrcnn(6, 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.05)
    image = draw(24, 24)
    halo = FSRCNN.receptive_field(FsrcnnOptions(), 4) - 1
    tiles = cell_tiles(24, 24, cell=12, halo=halo)
    restored = restore_cells(BranchBank([network], scale=4), image, tiles, fixed(0, len(tiles)))
    whole = restore_whole(network, image)
    assert (restored - whole).abs().max() > 1e-4 * whole.abs().max()


def test_each_cell_comes_from_its_branch(bank: BranchBank) -> None:
    image = draw(37, 53)
    tiles = cell_tiles(37, 53, cell=12, halo=8)
    whole = [restore_whole(branch, image) for branch in bank]
    for route in routes(tiles, 3):
        restored = restore_cells(bank, image, tiles, route)
        for tile, branch in zip(tiles, route, strict=True):
            expected = crop(whole[int(branch)], tile.inside, 2)
            torch.testing.assert_close(crop(restored, tile.inside, 2), expected, rtol=0, atol=1e-5)


def slow_classsr(bank: BranchBank, image: Tensor, patch: int, stride: int, route: Route) -> NDArray[np.float32]:
    """Patch by patch; where patches overlap, first neighbours in a row are averaged, then rows."""
    scale = bank.scale
    rows, columns = ((side - patch) // stride + 1 for side in image.shape[1:])
    side, step = patch * scale, stride * scale
    strips = []
    for row in range(rows):
        strip = np.zeros((3, side, side + (columns - 1) * step), dtype=np.float32)
        for column in range(columns):
            window = image[:, row * stride : row * stride + patch, column * stride : column * stride + patch]
            with torch.no_grad():
                output = bank[int(route[row * columns + column])](window[None])[0].numpy()
            output = np.round(np.clip(output, 0, 1) * 255).astype(np.uint8).astype(np.float32)
            start = column * step
            overlap = side - step if column else 0
            strip[:, :, start : start + overlap] = (strip[:, :, start : start + overlap] + output[:, :, :overlap]) / 2
            strip[:, :, start + overlap : start + side] = output[:, :, overlap:]
        strips.append(strip)
    result = np.zeros((3, side + (rows - 1) * step, strips[0].shape[2]), dtype=np.float32)
    for row, strip in enumerate(strips):
        start = row * step
        overlap = side - step if row else 0
        result[:, start : start + overlap] = (result[:, start : start + overlap] + strip[:, :overlap]) / 2
        result[:, start + overlap : start + side] = strip[:, overlap:]
    return result


@pytest.mark.parametrize(("height", "width"), [(16, 16), (37, 53), (41, 28)])
@pytest.mark.parametrize("stride", [12, 16, 9])
def test_classsr_equals_patch_by_patch(bank: BranchBank, height: int, width: int, stride: int) -> None:
    image = draw(height, width)
    tiles = classsr_tiles(height, width, patch=16, stride=stride)
    for route in routes(tiles, 3)[:2]:
        restored = restore_classsr(bank, image, tiles, route).numpy() * 255
        expected = slow_classsr(bank, image, 16, stride, route)
        assert restored.shape == expected.shape
        # rounding may fall the other way on a float's last bit: rare, and one step at most
        assert np.abs(restored - expected).max() <= 1.001
        assert np.mean(np.abs(restored - expected) > 1e-3) < 1e-3


def test_classsr_is_clamped_and_rounded_once() -> None:
    class Constant(nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def forward(self, degraded: Tensor) -> Tensor:
            return torch.full_like(degraded, self.value)

    bank = BranchBank([Constant(100.4 / 255), Constant(101.4 / 255), Constant(7.0), Constant(-7.0)], scale=1)
    image = torch.zeros(3, 4, 6)
    tiles = classsr_tiles(4, 6, patch=4, stride=2)
    restored = restore_classsr(bank, image, tiles, np.array([0, 1]))[0, 0] * 255
    torch.testing.assert_close(restored, torch.tensor([100.0, 100.0, 100.5, 100.5, 101.0, 101.0]))
    restored = restore_classsr(bank, image, tiles, np.array([2, 3]))[0, 0] * 255
    torch.testing.assert_close(restored, torch.tensor([255.0, 255.0, 127.5, 127.5, 0.0, 0.0]))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (37, 53)])
@BATCHES
def test_classify_equals_one_by_one(height: int, width: int, batch_pixels: int) -> None:
    torch.manual_seed(0)
    module = ClassModule(channels=3, branches=4, width=8)
    image = draw(height, width)
    tiles = classsr_tiles(height, width, patch=16, stride=12)
    probability = classify(module, image, tiles, batch_pixels=batch_pixels)
    assert probability.shape == (len(tiles), 4)
    assert probability.dtype == np.float32
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    for row, tile in zip(probability, tiles, strict=True):
        with torch.no_grad():
            expected = module(crop(image, tile.window, 1)[None]).softmax(dim=1)[0].numpy()
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_crop_is_a_view_at_the_scale() -> None:
    image = torch.zeros(3, 20, 20)
    tile = cell_tiles(5, 5, cell=2, halo=0)[4]
    view = crop(image, tile.inside, 4)
    view.fill_(1)
    assert image.sum() == 3 * 8 * 8
    assert image[0, 8, 8] == image[0, 15, 15] == 1


class Hungry(nn.Module):
    """Doubles each pixel's values; more than a few images at once are too many."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.most, self.error = most, error

    def forward(self, degraded: Tensor) -> Tensor:
        if len(degraded) > self.most:
            raise self.error
        return degraded * 2


SHORTAGE = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes. Error code 12")


@pytest.mark.parametrize("error", [SHORTAGE, MemoryError(), torch.OutOfMemoryError("CUDA out of memory.")])
def test_where_memory_is_short_batches_are_smaller(error: Exception) -> None:
    image, tiles = draw(12, 28), cell_tiles(12, 28, cell=4, halo=0)
    said: list[str] = []
    bank = BranchBank([Hungry(6, error)], scale=1)

    found = dict(run_tiles(bank, image, tiles, fixed(0, 21), listen=lambda event: said.append(event.text)))

    assert sorted(found) == list(range(21))
    for position, output in found.items():
        torch.testing.assert_close(output, 2 * crop(image, tiles[position].inside, 1))
    assert said == [
        f"memory is too short for {count} regions at once; they run in two halves" for count in (21, 10, 11)
    ]


def test_where_memory_is_too_short_for_one_region() -> None:
    bank = BranchBank([Hungry(0, SHORTAGE)], scale=1)
    with pytest.raises(MemoryError):
        list(run_tiles(bank, draw(8, 8), cell_tiles(8, 8, cell=4, halo=0), fixed(0, 4)))


def test_other_errors_are_not_taken_for_a_shortage() -> None:
    bank = BranchBank([Hungry(0, RuntimeError("expected 3 channels"))], scale=1)
    with pytest.raises(RuntimeError, match="expected 3 channels"):
        list(run_tiles(bank, draw(8, 8), cell_tiles(8, 8, cell=4, halo=0), fixed(0, 4)))


def test_pixels_are_cells_rounded(bank: BranchBank) -> None:
    image, tiles = draw(21, 30), cell_tiles(21, 30, cell=10, halo=2)
    route = np.arange(len(tiles)) % 3

    pixels = restore_pixels(bank, image, tiles, route)

    restored = restore_cells(bank, image, tiles, route).permute(1, 2, 0).numpy()
    assert np.array_equal(pixels, from_float(restored, np.uint8))


def test_a_branch_without_steps_runs_windows_of_one_size_together() -> None:
    image = draw(20, 30)
    boxes = [Box(0, 0, 8, 8), Box(8, 8, 16, 16), Box(12, 22, 20, 30)]
    tiles = [Tile(window=box.framed(2, 20, 30), inside=box) for box in boxes]
    seen: list[int] = []

    class Doubling(nn.Module):
        def forward(self, degraded: Tensor) -> Tensor:
            seen.append(len(degraded))
            return degraded.repeat_interleave(2, 2).repeat_interleave(2, 3)

    found = dict(run_tiles(BranchBank([Doubling()], scale=2), image, tiles, fixed(0, 3)))

    assert seen == [3]
    doubled = Doubling()(image[None])[0]
    for position, output in found.items():
        torch.testing.assert_close(output, crop(doubled, boxes[position], 2))
