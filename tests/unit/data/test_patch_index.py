"""Where sub-images lie, and their split into difficulty classes."""

from __future__ import annotations

import numpy as np
import pytest

from restoreroute.data.patch_index import UNSPLIT, PatchIndex, class_by_edges, index_sub_images
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


def test_the_edges_are_the_largest_scores_of_the_easier_classes() -> None:
    index = line(6).split(np.array([5.0, 1.0, 3.0, 2.0, 9.0, 4.0]), 3)
    assert index.edges == (2.0, 4.0)
    assert class_by_edges(index.score, index.edges).tolist() == index.class_.tolist()
    assert line(6).edges == ()


@pytest.mark.parametrize(
    ("count", "quantiles", "sizes"),
    [
        (10, (0.5, 0.8), [5, 3, 2]),
        (10, (0.1,), [1, 9]),
        (10, (0.7,), [7, 3]),
        (60, (1 / 3, 2 / 3), [20, 20, 20]),
        (3, (0.1, 0.5), [0, 1, 2]),
        (10, (0.01, 0.02, 0.99), [0, 0, 10, 0]),
    ],
)
def test_split_at_shares(count: int, quantiles: tuple[float, ...], sizes: list[int]) -> None:
    score = np.random.default_rng(count).normal(size=count)
    index = line(count).split(score, len(sizes), quantiles=quantiles)
    assert [len(index.of_class(class_)) for class_ in range(len(sizes))] == sizes
    ranks = index.class_[np.argsort(score)]
    assert (np.diff(ranks) >= 0).all()
    assert class_by_edges(score, index.edges).tolist() == index.class_.tolist(), "empty classes included"


def test_split_at_scores() -> None:
    # 35.15 and 27.17 dB: a PSNR at a threshold belongs to the easier class
    score = -np.array([50.0, 35.15, 35.14, 30.0, 27.17, 27.16, 10.0])
    index = line(7).split(score, 3, thresholds=(-35.15, -27.17))
    assert index.class_.tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert index.edges == (-35.15, -27.17)
    assert np.array_equal(index.score, score)
    assert line(7).split(score, 2, thresholds=(0.0,)).of_class(1).size == 0


def test_equal_scores_split_by_place() -> None:
    assert line(6).split(np.zeros(6), 3).class_.tolist() == [0, 0, 1, 1, 2, 2]
