"""The oracle against all routes there are, and other laws of routes."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from restoreroute.routing.policies import oracle, shares, shuffled

Case = tuple[NDArray[np.float64], tuple[int, ...], float]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Errors of a few patches, rising costs, a target that at least the cheapest branch meets."""
    patches, branches = draw(st.integers(1, 5)), draw(st.integers(2, 3))
    values = st.integers(0, 30)
    rows = draw(st.lists(st.lists(values, min_size=branches, max_size=branches), min_size=patches, max_size=patches))
    steps = draw(st.lists(st.integers(1, 9), min_size=branches, max_size=branches))
    cost = tuple(np.cumsum(steps).tolist())
    target = cost[0] + draw(st.floats(0, 1.2)) * (cost[-1] - cost[0])
    return np.array(rows, dtype=np.float64), cost, target


def totals(error: NDArray[np.float64], cost: tuple[int, ...], route: NDArray[np.int64]) -> tuple[float, float]:
    """Summed error and mean cost of a route."""
    return float(error[np.arange(len(route)), route].sum()), float(np.array(cost)[route].mean())


@given(cases())
@settings(deadline=None, max_examples=60)
def test_no_affordable_route_is_better_by_more_than_one_patch(case: Case) -> None:
    # The best route of all is a knapsack; the oracle misses it by less than one move of one patch.
    error, cost, target = case
    found, spent = totals(error, cost, oracle(error, cost, target))
    assert spent <= target * (1 + 1e-6)
    routes = (totals(error, cost, np.array(choice)) for choice in product(range(len(cost)), repeat=len(error)))
    best = min(other for other, price in routes if price <= target)
    assert found <= best + np.ptp(error, axis=1).max() + 1e-6


@given(cases())
@settings(deadline=None, max_examples=40)
def test_no_single_move_that_can_be_paid_helps(case: Case) -> None:
    error, cost, target = case
    route = oracle(error, cost, target)
    found, _ = totals(error, cost, route)
    for patch, branch in product(range(len(error)), range(len(cost))):
        moved = route.copy()
        moved[patch] = branch
        other, price = totals(error, cost, moved)
        assert price > target or other >= found - 1e-6


@given(cases())
@settings(deadline=None, max_examples=20)
def test_without_a_limit_the_oracle_takes_the_least_error(case: Case) -> None:
    error, cost, _ = case
    assert totals(error, cost, oracle(error, cost, cost[-1]))[0] == error.min(axis=1).sum()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 100))
@settings(deadline=None, max_examples=30)
def test_shuffling_keeps_shares(route: list[int], seed: int) -> None:
    before = np.array(route, dtype=np.int64)
    after = shuffled(before, np.random.default_rng(seed))
    assert shares(after, 5) == shares(before, 5)
    assert abs(sum(shares(after, 5)) - 1) < 1e-12
