"""Cutting a grid of cells into regions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from restoreroute.inference.regions import BLOCK, cut_into_regions, least_price

COSTS = (2.0, 3.0, 7.0)


def price(branch: int, rows: int, columns: int) -> float:
    """Cells of 10 pixels, seen with 2 around them, and something for each call."""
    return COSTS[branch] * (10 * rows + 4) * (10 * columns + 4) + 50


def total(routes: NDArray[np.int64]) -> float:
    return sum(price(r.branch, r.bottom - r.top, r.right - r.left) for r in cut_into_regions(routes, price))


grids = st.builds(
    lambda rows, columns, seed, noise: np.where(
        np.random.default_rng(seed).random((rows, columns)) < noise,
        np.random.default_rng(seed + 1).integers(3, size=(rows, columns)),
        seed % 3,
    ),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(0, 10**6),
    st.floats(0, 1),
)


@given(grids)
@settings(deadline=None, max_examples=60)
def test_every_cell_runs_once_on_its_branch_or_a_better_one(routes: NDArray[np.int64]) -> None:
    count = np.zeros(routes.shape, dtype=np.int64)
    for region in cut_into_regions(routes, price):
        place = np.s_[region.top : region.bottom, region.left : region.right]
        count[place] += 1
        assert region.branch == routes[place].max()
        assert region.bottom - region.top <= BLOCK
        assert region.right - region.left <= BLOCK
    assert (count == 1).all()


@given(grids)
@settings(deadline=None, max_examples=30)
def test_an_image_is_cut_the_same_in_stripes(routes: NDArray[np.int64]) -> None:
    whole = cut_into_regions(routes, price)
    stripes = [
        (region.branch, region.top + top, region.left, region.bottom + top, region.right)
        for top in range(0, len(routes), BLOCK)
        for region in cut_into_regions(routes[top : top + BLOCK], price)
    ]
    assert stripes == [(r.branch, r.top, r.left, r.bottom, r.right) for r in whole]


@given(st.integers(0, 10**6), st.floats(0.05, 1))
@settings(deadline=None, max_examples=20)
def test_no_cutting_is_quicker(seed: int, noise: float) -> None:
    """Against all cuttings of a block, tried one by one."""
    generator = np.random.default_rng(seed)
    routes = np.where(generator.random((BLOCK, BLOCK)) < noise, generator.integers(3, size=(BLOCK, BLOCK)), 0)

    @cache
    def least(top: int, left: int, rows: int, columns: int) -> float:
        dearest = int(routes[top : top + rows, left : left + columns].max())
        found = [price(dearest, rows, columns)]
        if rows > 1:
            found.append(least(top, left, rows // 2, columns) + least(top + rows // 2, left, rows // 2, columns))
        if columns > 1:
            found.append(least(top, left, rows, columns // 2) + least(top, left + columns // 2, rows, columns // 2))
        return min(found)

    assert total(routes) == pytest.approx(least(0, 0, BLOCK, BLOCK))
    assert least_price(routes, price) == pytest.approx(total(routes))


def test_equal_cells_become_one_region_of_each_block() -> None:
    regions = cut_into_regions(np.ones((BLOCK + 3, BLOCK), dtype=np.int64), price)

    assert [(r.branch, r.top, r.left, r.bottom, r.right) for r in regions] == [
        (1, 0, 0, BLOCK, BLOCK),
        (1, BLOCK, 0, BLOCK + 3, BLOCK),
    ]


def test_a_cheap_cell_among_dear_ones_is_promoted() -> None:
    routes = np.full((BLOCK, BLOCK), 2)
    routes[3, 4] = 0

    (region,) = cut_into_regions(routes, price)

    assert region.branch == 2


def test_a_dear_cell_among_cheap_ones_runs_alone() -> None:
    routes = np.zeros((BLOCK, BLOCK), dtype=np.int64)
    routes[3, 4] = 2

    dear = [region for region in cut_into_regions(routes, price) if region.branch == 2]

    assert [(r.top, r.left, r.bottom, r.right) for r in dear] == [(3, 4, 4, 5)]
