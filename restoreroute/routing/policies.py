"""Routing policies: from probabilities and costs to one branch per patch.

Routes are (N,) int64 arrays of branch indices, cheapest branch 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Route = NDArray[np.int64]

LEAST_PROBABILITY = 1e-6
"""Below this a probability says no more than that a branch is out of the question."""
SPEED_STEPS = 30


def argmax(probability: NDArray[np.floating]) -> Route:
    """The most probable branch of each patch (paper section 3.2), from (..., M)."""
    return np.asarray(probability.argmax(axis=-1), dtype=np.int64)


def at_speed(probability: NDArray[np.floating], cost: Sequence[float], speed: float) -> Route:
    """The branch with the largest p / cost ** speed of each patch, from (..., M).

    Args:
        cost: M costs above 0, rising.
        speed: 0 is :func:`argmax`; more makes cheap branches likelier, less than 0 dear ones.
    """
    likelihood = np.log(np.maximum(np.asarray(probability, dtype=np.float64), LEAST_PROBABILITY))
    return argmax(likelihood - speed * np.log(np.asarray(cost, dtype=np.float64)))


def decisive_speed(cost: Sequence[float]) -> float:
    """A speed at which every patch takes the cheapest branch, whatever its probabilities; at minus it the dearest.

    Args:
        cost: M costs above 0, rising.
    """
    if len(cost) < 2:
        return 1.0
    return 1.0 - float(np.log(LEAST_PROBABILITY) / np.diff(np.log(np.asarray(cost, dtype=np.float64))).min())


def within_budget(
    probability: NDArray[np.floating],
    cost: Sequence[float],
    spend: Callable[[Route], float],
    budget: float,
    *,
    speed: float,
) -> Route:
    """The route of the least speed (:func:`at_speed`) from ``speed`` on that spends no more than the budget.

    More than a model prefers by itself is not spent: where a cheap branch is sure, a dear one may be worse.

    Args:
        cost: M costs above 0, rising.
        spend: what a route takes in all, in the unit of ``budget``.
        speed: that is preferred where the budget allows it.

    Raises:
        ValueError: if even the cheapest branch everywhere spends more.
    """

    def route(speed: float) -> Route:
        return at_speed(probability, cost, speed)

    slow, fast = speed, max(speed, 0.0) + decisive_speed(cost)
    if spend(route(slow)) <= budget:
        return route(slow)
    if (least := spend(route(fast))) > budget:
        raise ValueError(f"the cheapest branch alone takes {least:.3g}, more than {budget:.3g}")
    for _ in range(SPEED_STEPS):
        middle = (slow + fast) / 2
        slow, fast = (slow, middle) if spend(route(middle)) <= budget else (middle, fast)
    return route(fast)


def fixed(branch: int, patches: int) -> Route:
    """Every patch through one branch."""
    return np.full(patches, branch, dtype=np.int64)


def shares(route: Route, branches: int) -> tuple[float, ...]:
    """The share of the patches that each branch gets, for a route of any shape."""
    return tuple(float(share) for share in np.bincount(route.ravel(), minlength=branches) / max(route.size, 1))


def shuffled(route: Route, generator: np.random.Generator) -> Route:
    """A random route that sends exactly as many patches to each branch: the lower bound for a classifier."""
    return generator.permutation(route)


def oracle(error: NDArray[np.floating], cost: Sequence[float], target: float) -> Route:
    """The best route of a mean cost, knowing the clean image: a bound for every other policy.

    Per patch the branch of least error + lambda * cost, with the smallest lambda (by bisection) whose mean cost
    is at most the target; what that leaves of the budget goes to the patches that gain most by it.

    Args:
        error: (N, M) summed squared error of each patch through each branch.
        cost: M costs of one patch.
        target: mean cost per patch that the route may reach, in the unit of ``cost``.

    Returns:
        A route that costs at most the target; less only where more cost would gain nothing.

    Raises:
        ValueError: if even the cheapest branch costs more than the target.
    """
    costs = np.asarray(cost, dtype=np.float64)
    budget = target * len(error) * (1 + 1e-9)
    if costs.min() * len(error) > budget:
        raise ValueError(f"no route costs as little as {target:g}: the cheapest branch costs {costs.min():g}")

    def route(weight: float) -> Route:
        return np.asarray((error + weight * costs).argmin(axis=1), dtype=np.int64)

    def affordable(weight: float) -> bool:
        return bool(costs[route(weight)].sum() <= budget)

    if affordable(0.0):
        return route(0.0)
    steps = np.diff(np.unique(costs))
    low, high = 0.0, float(np.ptp(error, axis=1).max() / steps.min() + 1)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if affordable(middle) else (middle, high)
    return _spend(route(high), error, costs, budget)


def _spend(route: Route, error: NDArray[np.floating], costs: NDArray[np.float64], budget: float) -> Route:
    """Move patches to better branches, most gain for the cost first, while the budget lasts."""
    patches = np.arange(len(route))
    gain = error[patches, route][:, None] - error
    price = costs[None, :] - costs[route][:, None]
    worth = np.where((gain > 0) & (price > 0), gain / np.where(price > 0, price, 1), 0)
    spent = costs[route].sum()
    better = route.copy()
    for place in np.argsort(-worth, axis=None, kind="stable"):
        patch, branch = divmod(int(place), len(costs))
        if worth[patch, branch] <= 0:
            break
        extra = costs[branch] - costs[better[patch]]
        if error[patch, branch] < error[patch, better[patch]] and spent + extra <= budget:
            better[patch] = branch
            spent += extra
    return better
