"""Areas cover an image once and are seen with what is around them."""

from __future__ import annotations

import numpy as np
import pytest

from restoreroute.inference.areas import Area, cut_into_areas
from restoreroute.inference.tiles import Box


@pytest.mark.parametrize("height", [1, 10, 11, 40])
@pytest.mark.parametrize("width", [1, 9, 25])
@pytest.mark.parametrize("context", [0, 3, 50])
def test_areas_cover_every_pixel_once(height: int, width: int, context: int) -> None:
    count = np.zeros((height, width), int)
    for row in cut_into_areas(height, width, rows=10, columns=10, context=context):
        assert (row.first, row.last) == (max(row.top - context, 0), min(row.bottom + context, height))
        for area in row.areas:
            assert (area.inside.top, area.inside.bottom) == (row.top, row.bottom)
            assert (area.seen.top, area.seen.bottom) == (row.first, row.last)
            assert area.seen == area.inside.grown(context, height, width)
            count[area.inside.top : area.inside.bottom, area.inside.left : area.inside.right] += 1
    assert (count == 1).all()


def test_an_example() -> None:
    first, second = cut_into_areas(15, 12, rows=10, columns=10, context=4)

    assert first.areas == [Area(Box(0, 0, 10, 10), Box(0, 0, 14, 12)), Area(Box(0, 10, 10, 12), Box(0, 6, 14, 12))]
    assert second.areas[1] == Area(Box(10, 10, 15, 12), Box(6, 6, 15, 12))
    assert second.areas[1].kept == Box(4, 4, 9, 6)
