"""Gaussian denoising."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from restoreroute_tasks.gaussian_denoising import GAUSSIAN_DENOISING, GaussianDenoising, GaussianDenoisingOptions

CLEAN = np.full((64, 64, 3), 0.5, dtype=np.float32)


def bound(**options: object) -> GaussianDenoising:
    task = GAUSSIAN_DENOISING.build(GaussianDenoisingOptions.model_validate(options))
    assert isinstance(task, GaussianDenoising)
    return task


def test_noise_has_the_standard_deviation_that_was_asked_for() -> None:
    noisy = bound(sigma=25.0).degrade(CLEAN, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    assert 255 * (noisy - CLEAN).std() == pytest.approx(25, rel=0.03)
    assert 255 * (noisy - CLEAN).mean() == pytest.approx(0, abs=1)


def test_noise_comes_from_the_generator_alone() -> None:
    task = bound()
    first, same, other = (task.degrade(CLEAN, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_noise_is_not_clipped_unless_asked() -> None:
    bright = np.ones_like(CLEAN)
    assert bound().degrade(bright, np.random.default_rng(0)).max() > 1.1
    quantised = bound(quantise=True)
    noisy = quantised.degrade(bright, np.random.default_rng(0))
    assert noisy.max() <= 1
    assert np.allclose(noisy * 255, np.round(noisy * 255), atol=1e-4)
    assert (quantised.degraded_bits, bound().degraded_bits) == (8, None)


def test_a_range_draws_a_level_for_each_image() -> None:
    task = bound(sigma=(0.0, 55.0))
    generator = np.random.default_rng(0)
    levels = [255 * (task.degrade(CLEAN, generator) - CLEAN).std() for _ in range(20)]
    assert min(levels) < 10
    assert 45 < max(levels) < 58


@pytest.mark.parametrize("sigma", [-1.0, 256.0, (30.0, 10.0), (0.0, 300.0), "25"])
def test_levels_that_make_no_sense(sigma: object) -> None:
    with pytest.raises(ValidationError):
        GaussianDenoisingOptions.model_validate({"sigma": sigma})


def test_without_a_network_the_image_stays() -> None:
    assert bound().interpolate(CLEAN) is CLEAN
    assert (bound().scale, bound().random, bound().crop_border) == (1, True, 0)
