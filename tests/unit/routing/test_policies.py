"""Routing policies; the oracle's laws over all routes are in tests/properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from restoreroute.routing.policies import (
    argmax,
    at_speed,
    decisive_speed,
    fixed,
    oracle,
    shares,
    shuffled,
    within_budget,
)


def test_argmax_takes_the_most_probable_and_the_cheaper_of_equals() -> None:
    probability = np.array([[0.1, 0.7, 0.2], [0.4, 0.2, 0.4], [0.0, 0.0, 1.0]], dtype=np.float32)
    route = argmax(probability)
    assert route.tolist() == [1, 0, 2]
    assert route.dtype == np.int64


def test_shares_count_every_branch() -> None:
    assert shares(np.array([0, 2, 2, 2]), 4) == (0.25, 0.0, 0.75, 0.0)
    assert shares(fixed(1, 5), 3) == (0.0, 1.0, 0.0)
    assert shares(np.array([], dtype=np.int64), 2) == (0.0, 0.0)


def test_shuffled_keeps_the_shares_and_moves_the_places() -> None:
    route = np.repeat(np.arange(3), [50, 30, 20])
    one = shuffled(route, np.random.default_rng(1))
    assert np.bincount(one).tolist() == [50, 30, 20]
    assert one.tolist() != route.tolist()
    assert one.tolist() == shuffled(route, np.random.default_rng(1)).tolist()
    assert one.tolist() != shuffled(route, np.random.default_rng(2)).tolist()
    assert route.tolist() == sorted(route.tolist())  # the argument is left alone


def test_oracle_spends_where_it_helps_most() -> None:
    error = np.array([[9.0, 1.0], [5.0, 4.0], [3.0, 0.0], [2.0, 2.0]])
    cost = (1.0, 3.0)
    for target, expected in [(1, [0, 0, 0, 0]), (1.5, [1, 0, 0, 0]), (2, [1, 0, 1, 0]), (2.5, [1, 1, 1, 0])]:
        assert oracle(error, cost, target).tolist() == expected


def test_oracle_does_not_spend_what_does_not_help() -> None:
    assert oracle(np.array([[1.0, 2.0], [0.0, 0.0]]), (1, 2), 2).tolist() == [0, 0]
    assert oracle(np.array([[1.0, 0.0, 2.0]]), (1, 2, 3), 3).tolist() == [1]


def test_oracle_of_equal_errors_takes_the_cheapest() -> None:
    assert oracle(np.ones((6, 3)), (2, 3, 4), 2).tolist() == [0] * 6


def test_oracle_can_not_do_it_for_less_than_the_cheapest() -> None:
    with pytest.raises(ValueError, match=r"as little as 1\.5: the cheapest branch costs 2"):
        oracle(np.array([[3.0, 1.0]]), (2, 4), 1.5)


COSTS = (1.0, 2.0, 4.0)


def probabilities(count: int = 200) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(0).dirichlet((0.5, 0.5, 0.5), size=count)


def test_no_speed_is_argmax() -> None:
    drawn = probabilities()
    assert at_speed(drawn, COSTS, 0).tolist() == argmax(drawn).tolist()
    assert at_speed(drawn.reshape(10, 20, 3), COSTS, 0).shape == (10, 20)


def test_speed_divides_by_cost() -> None:
    drawn = probabilities()
    for speed in (-2.0, 0.5, 1.0, 3.0):
        weighed = np.maximum(drawn, 1e-6) / np.asarray(COSTS) ** speed
        assert at_speed(drawn, COSTS, speed).tolist() == weighed.argmax(axis=1).tolist()


def test_more_speed_never_costs_more() -> None:
    spent = [np.asarray(COSTS)[at_speed(probabilities(), COSTS, speed)].sum() for speed in np.linspace(-30, 30, 61)]
    assert spent == sorted(spent, reverse=True)
    assert (spent[0], spent[-1]) == (200 * 4, 200 * 1)


@pytest.mark.parametrize("cost", [(1.0, 2.0, 4.0), (10.0, 11.0, 1000.0), (1.0, 1.01)])
def test_beyond_the_decisive_speed_no_probability_counts(cost: tuple[float, ...]) -> None:
    sure = np.eye(len(cost))
    assert at_speed(sure, cost, decisive_speed(cost)).tolist() == [0] * len(cost)
    assert at_speed(sure, cost, -decisive_speed(cost)).tolist() == [len(cost) - 1] * len(cost)


def test_the_decisive_speed_by_hand() -> None:
    assert decisive_speed((1, math.e, math.e**3)) == pytest.approx(1 + 6 * math.log(10))
    assert decisive_speed((5,)) == 1


def mean_cost(route: NDArray[np.int64]) -> float:
    return float(np.asarray(COSTS)[route].mean())


def test_a_budget_is_used_and_not_exceeded() -> None:
    for budget in (1.0, 1.2, 2.0, 3.3, 4.0):
        spent = mean_cost(within_budget(probabilities(), COSTS, mean_cost, budget, speed=-30))
        assert budget - 0.03 < spent <= budget


@pytest.mark.parametrize("speed", [-30, -1, 0, 0.5, 30])
def test_a_budget_beyond_what_is_preferred_is_not_used(speed: float) -> None:
    preferred = at_speed(probabilities(), COSTS, speed)
    for budget in (mean_cost(preferred), 9.0):
        assert np.array_equal(within_budget(probabilities(), COSTS, mean_cost, budget, speed=speed), preferred)


@pytest.mark.parametrize("speed", [-1, 0, 0.5])
def test_a_budget_below_what_is_preferred_makes_no_patch_dearer(speed: float) -> None:
    preferred = at_speed(probabilities(), COSTS, speed)
    for budget in (1.0, 1.2, 1.4):
        assert (within_budget(probabilities(), COSTS, mean_cost, budget, speed=speed) <= preferred).all()


def test_a_budget_below_the_cheapest_branch() -> None:
    with pytest.raises(ValueError, match=r"cheapest branch alone takes 1, more than 0\.9"):
        within_budget(probabilities(), COSTS, mean_cost, 0.9, speed=0)
