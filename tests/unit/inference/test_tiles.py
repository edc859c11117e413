"""How images are cut; that cells cover every size is in tests/properties."""

from __future__ import annotations

import pytest

from restoreroute.inference.tiles import Box, Tile, cell_tiles, classsr_tiles, covered


def test_the_papers_grid() -> None:
    tiles = classsr_tiles(120, 160, patch=32, stride=28)
    corners = [(tile.inside.top, tile.inside.left) for tile in tiles]
    assert corners == [(28 * row, 28 * column) for row in range(4) for column in range(5)]
    assert len(tiles) == 20
    assert covered(tiles) == (116, 144)
    assert all(tile.inside == tile.window and tile.inside.area == 32 * 32 for tile in tiles)


@pytest.mark.parametrize(("patch", "stride"), [(32, 28), (32, 32), (16, 4), (9, 7)])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 60), (59, 61), (60, 88), (100, 47)])
def test_rows_and_columns_equal_the_formula(height: int, width: int, patch: int, stride: int) -> None:
    tiles = classsr_tiles(height, width, patch=patch, stride=stride)
    rows, columns = (height - patch) // stride + 1, (width - patch) // stride + 1
    assert len(tiles) == rows * columns
    assert covered(tiles) == (patch + (rows - 1) * stride, patch + (columns - 1) * stride)
    assert max(height - covered(tiles)[0], width - covered(tiles)[1]) < stride
    for number, tile in enumerate(tiles):
        top, left = number // columns * stride, number % columns * stride
        assert tile.inside == Box(top, left, top + patch, left + patch)


@pytest.mark.parametrize(("height", "width"), [(31, 32), (32, 31), (1, 1)])
def test_an_image_below_one_patch(height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"at least 32 x 32 degraded pixels, not {width} x {height}"):
        classsr_tiles(height, width, patch=32, stride=28)


def test_cells_see_what_is_around_them() -> None:
    tiles = cell_tiles(50, 30, cell=20, halo=3)
    assert [tile.inside for tile in tiles] == [
        Box(0, 0, 20, 20),
        Box(0, 20, 20, 30),
        Box(20, 0, 40, 20),
        Box(20, 20, 40, 30),
        Box(40, 0, 50, 20),
        Box(40, 20, 50, 30),
    ]
    assert tiles[0].window == Box(0, 0, 23, 23)
    assert tiles[3].window == Box(17, 17, 43, 30)
    assert tiles[3].context == (3, 3, 3, 0)
    assert tiles[0].context == (0, 0, 3, 3)


def test_one_cell_without_halo_is_the_image() -> None:
    assert cell_tiles(5, 7, cell=9, halo=0) == [Tile(window=Box(0, 0, 5, 7), inside=Box(0, 0, 5, 7))]


def test_box() -> None:
    box = Box(2, 3, 7, 5)
    assert (box.height, box.width, box.area) == (5, 2, 10)


@pytest.mark.parametrize(
    ("box", "window"),
    [
        (Box(0, 0, 8, 8), Box(0, 0, 12, 12)),
        (Box(8, 8, 16, 16), Box(6, 6, 18, 18)),
        (Box(16, 24, 20, 30), Box(12, 20, 20, 30)),
        (Box(0, 0, 20, 30), Box(0, 0, 20, 30)),
    ],
)
def test_framed_boxes_keep_their_size_inside_the_image(box: Box, window: Box) -> None:
    assert box.framed(2, 20, 30) == window
