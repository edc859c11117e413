"""The routing map."""

from __future__ import annotations

import numpy as np
import pytest

from restoreroute.inference.tiles import cell_tiles
from restoreroute.reporting.overlay import GREEN, RED, STRENGTH, YELLOW, branch_colours, paint_route


def test_three_branches_are_green_yellow_red() -> None:
    np.testing.assert_array_equal(branch_colours(3), [GREEN, YELLOW, RED])


@pytest.mark.parametrize("branches", [2, 3, 4, 5, 6, 41])
def test_any_number_runs_from_green_to_red(branches: int) -> None:
    colours = branch_colours(branches)
    assert colours.shape == (branches, 3)
    np.testing.assert_array_equal(colours[0], GREEN)
    np.testing.assert_array_equal(colours[-1], RED)
    assert len(np.unique(colours, axis=0)) == branches
    assert colours.min() >= 0
    assert colours.max() <= 255


def test_one_branch_is_green() -> None:
    np.testing.assert_array_equal(branch_colours(1), [GREEN])


def test_each_tile_gets_the_colour_of_its_branch() -> None:
    scale, grey = 2, 100
    restored = np.full((5 * scale, 7 * scale, 3), grey, np.uint8)
    tiles = cell_tiles(5, 7, cell=4, halo=1)
    painted = paint_route(restored, tiles, np.array([0, 1, 2, 0]), scale=scale, branches=3)
    assert painted.shape == restored.shape
    assert painted.dtype == np.uint8
    for place, colour in [((0, 0), GREEN), ((7, 7), GREEN), ((0, 8), YELLOW), ((9, 0), RED), ((9, 13), GREEN)]:
        expected = grey * (1 - STRENGTH) + np.array(colour) * STRENGTH
        assert np.abs(painted[place] - expected).max() <= 0.5 + 1e-3
    assert len(np.unique(painted.reshape(-1, 3), axis=0)) == 3
    assert (restored == grey).all()


def test_structure_remains_visible_and_colours_do_not() -> None:
    restored = np.zeros((4, 4, 3), np.uint8)
    restored[0, 0] = 255
    restored[1, 1] = (255, 0, 0)
    painted = paint_route(restored, cell_tiles(4, 4, cell=4, halo=0), np.array([2]), scale=1, branches=3)
    difference = painted[0, 0].astype(int) - painted[3, 3]
    assert np.abs(difference - 255 * (1 - STRENGTH)).max() <= 1
    assert np.ptp(painted[1, 1].astype(int) - painted[3, 3]) <= 1


def test_what_no_tile_covers_is_grey() -> None:
    restored = np.full((4, 6, 3), 200, np.uint8)
    painted = paint_route(restored, cell_tiles(4, 4, cell=4, halo=0), np.array([0]), scale=1, branches=2)
    assert np.ptp(painted[:, 4:].astype(int), axis=2).max() == 0


def test_a_route_for_every_tile() -> None:
    restored = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="argument"):
        paint_route(restored, cell_tiles(4, 4, cell=2, halo=0), np.array([0]), scale=1, branches=2)
