"""The order of sub-images; more laws are in tests/properties."""

from __future__ import annotations

import numpy as np
import pytest

from restoreroute.data.sampler import Sampler


def test_iterations_can_be_asked_in_any_order() -> None:
    expected = [Sampler(count=7, batch=3, seed=1).positions(iteration).tolist() for iteration in range(12)]
    backwards = Sampler(count=7, batch=3, seed=1)
    assert [backwards.positions(iteration).tolist() for iteration in reversed(range(12))] == expected[::-1]


def test_the_seed_decides_the_order() -> None:
    one, same, other = (Sampler(count=50, batch=50, seed=seed).positions(0).tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert sorted(one) == sorted(other) == list(range(50))


def test_every_epoch_has_an_order_of_its_own() -> None:
    sampler = Sampler(count=50, batch=50, seed=1)
    assert sampler.positions(0).tolist() != sampler.positions(1).tolist()


def test_a_batch_larger_than_the_set_takes_whole_epochs() -> None:
    drawn = Sampler(count=4, batch=10, seed=0).positions(0)
    assert np.bincount(drawn[:8]).tolist() == [2, 2, 2, 2]
    assert drawn.shape == (10,)


def test_randomness_of_an_iteration() -> None:
    sampler = Sampler(count=5, batch=2, seed=3)
    assert sampler.generator(8).random() == sampler.generator(8).random()
    assert sampler.generator(8).random() != sampler.generator(9).random()
    assert sampler.generator(8).random() != Sampler(count=5, batch=2, seed=4).generator(8).random()


def test_nothing_to_sample_from() -> None:
    with pytest.raises(ValueError, match="nothing to sample from"):
        Sampler(count=0, batch=2, seed=0)
