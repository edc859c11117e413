"""Sampling: every sub-image once in every epoch, whatever the batch."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from restoreroute.data.sampler import Sampler


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**31))
@settings(deadline=None, max_examples=50)
def test_every_position_once_per_epoch(count: int, batch: int, seed: int) -> None:
    sampler = Sampler(count=count, batch=batch, seed=seed)
    iterations = -(-3 * count // batch)
    drawn = np.concatenate([sampler.positions(iteration) for iteration in range(iterations)])
    for epoch in range(3):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == list(range(count))


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 1000), st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_an_iteration_knows_nothing_of_those_before(count: int, batch: int, seed: int, iteration: int) -> None:
    fresh = Sampler(count=count, batch=batch, seed=seed).positions(iteration)
    used = Sampler(count=count, batch=batch, seed=seed)
    for other in (iteration + 3, 0, iteration, iteration + 1):
        used.positions(other)
    assert used.positions(iteration).tolist() == fresh.tolist()
    assert fresh.shape == (batch,)
    assert ((fresh >= 0) & (fresh < count)).all()


@given(st.integers(1, 40), st.integers(1, 10), st.integers(1, 5), st.integers(0, 50))
@settings(deadline=None, max_examples=30)
def test_the_order_does_not_depend_on_the_batch(count: int, batch: int, factor: int, seed: int) -> None:
    small = Sampler(count=count, batch=batch, seed=seed)
    large = Sampler(count=count, batch=batch * factor, seed=seed)
    joined = np.concatenate([small.positions(iteration) for iteration in range(factor)])
    assert joined.tolist() == large.positions(0).tolist()
