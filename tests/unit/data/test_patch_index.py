"""Where sub-images lie, and their split into difficulty classes."""

from __future__ import annotations

import numpy as np
import pytest

from restoreroute.data.patch_index import UNSPLIT, PatchIndex, index_sub_images
from restoreroute.errors import InputError


def line(count: int) -> PatchIndex:
    return index_sub_images([(1, count)], side=1, step=1)


@pytest.mark.parametrize(("side", "step"), [(32, 16), (32, 32), (8, 3), (1, 1), (5, 7)])
def test_every_place_of_the_grid_once(side: int, step: int) -> None:
    sizes = [(40, 70), (31, 90), (32, 32), (64, 33)]
    index = index_sub_images(sizes, side=side, step=step)
    per_image = [
        max(0, (height - side) // step + 1) * max(0, (width - side) // step + 1) if min(height, width) >= side else 0
        for height, width in sizes
    ]
    assert np.bincount(index.image, minlength=4).tolist() == per_image
    places = list(zip(index.image.tolist(), index.y.tolist(), index.x.tolist(), strict=True))
    assert len(set(places)) == len(places) == len(index)
    assert places == sorted(places)
    for image, y, x in places:
        assert y % step == x % step == 0
        assert y + side <= sizes[image][0]
        assert x + side <= sizes[image][1]


def test_it_is_neither_scored_nor_split() -> None:
    index = line(4)
    assert np.isnan(index.score).all()
    assert (index.class_ == UNSPLIT).all()
    assert index.of_class(0).size == 0


@pytest.mark.parametrize("sizes", [[(31, 90), (20, 20)], [(31, 31)]])
def test_no_image_is_large_enough(sizes: list[tuple[int, int]]) -> None:
    with pytest.raises(InputError, match="no image is as large as one sub-image of 32 x 32") as caught:
        index_sub_images(sizes, side=32, step=16)
    height, width = sizes[0]
    assert f"the largest has {width} x {height}" in caught.value.what


def test_no_image_at_all() -> None:
    with pytest.raises(InputError):
        index_sub_images([], side=32, step=16)


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
@pytest.mark.parametrize("count", [5, 60, 61, 63])
def test_split_by_rank_into_equal_sizes(classes: int, count: int) -> None:
    score = np.random.default_rng(count).normal(size=count)
    index = line(count).split(score, classes)
    sizes = [len(index.of_class(class_)) for class_ in range(classes)]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1
    assert np.array_equal(index.score, score)
    for easier in range(classes - 1):
        assert score[index.of_class(easier)].max() <= score[index.of_class(easier + 1)].min()


def test_split_leaves_places_and_the_old_index_alone() -> None:
    before = line(6)
    after = before.split(np.arange(6.0), 3)
    assert after.class_.tolist() == [0, 0, 1, 1, 2, 2]
    assert (before.class_ == UNSPLIT).all()
    assert np.array_equal(before.x, after.x)
    assert line(6).split(-np.arange(6.0), 3).class_.tolist() == [2, 2, 1, 1, 0, 0]


def test_equal_scores_split_by_place() -> None:
    assert line(6).split(np.zeros(6), 3).class_.tolist() == [0, 0, 1, 1, 2, 2]
