"""Routing policies: from probabilities and costs to one branch per patch.

Routes are (N,) int64 arrays of branch indices, cheapest branch 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Route = NDArray[np.int64]


def argmax(probability: NDArray[np.floating]) -> Route:
    """The most probable branch of each patch (paper section 3.2), from (N, M)."""
    return np.asarray(probability.argmax(axis=1), dtype=np.int64)


def fixed(branch: int, patches: int) -> Route:
    """Every patch through one branch."""
    return np.full(patches, branch, dtype=np.int64)


def shares(route: Route, branches: int) -> tuple[float, ...]:
    """The share of the patches that each branch gets."""
    return tuple(float(share) for share in np.bincount(route, minlength=branches) / max(len(route), 1))


def shuffled(route: Route, generator: np.random.Generator) -> Route:
    """A random route that sends exactly as many patches to each branch: the lower bound for a classifier."""
    return generator.permutation(route)


def oracle(error: NDArray[np.floating], cost: Sequence[float], target: float) -> Route:
    """The best route of a mean cost: per patch the branch of least error + lambda * cost.

    Lambda is found by bisection as the smallest one whose mean cost is at most the target, so the route is a
    bound that knows the clean image.  It can be cheaper than the target: where even lambda 0 is.

    Args:
        error: (N, M) summed squared error of each patch through each branch.
        cost: M costs of one patch.
        target: mean cost per patch that the route may reach, in the unit of ``cost``.
    """
    costs = np.asarray(cost, dtype=np.float64)

    def route(weight: float) -> Route:
        return np.asarray((error + weight * costs).argmin(axis=1), dtype=np.int64)

    def affordable(weight: float) -> bool:
        return bool(costs[route(weight)].mean() <= target)

    if affordable(0.0):
        return route(0.0)
    low, high = 0.0, float(np.ptp(error, axis=1).max() / np.diff(np.unique(costs)).min() + 1)
    if not affordable(high):
        raise ValueError(f"no route costs as little as {target:g}: the cheapest branch costs {costs.min():g}")
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if affordable(middle) else (middle, high)
    return route(high)
