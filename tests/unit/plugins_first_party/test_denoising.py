"""Gaussian denoising."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from restoreroute.spec.task import DegradesTensors
from restoreroute_tasks.gaussian_denoising import GAUSSIAN_DENOISING, GaussianDenoising, GaussianDenoisingOptions
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION, SuperResolutionOptions

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


class TestTensors:
    def test_it_is_a_capability_that_a_task_may_lack(self) -> None:
        assert isinstance(bound(), DegradesTensors)
        assert not isinstance(SUPER_RESOLUTION.build(SuperResolutionOptions()), DegradesTensors)

    def test_every_image_has_noise_of_its_own_of_the_level_that_was_asked_for(self) -> None:
        clean = images(8)
        noise = degraded(bound(sigma=25.0), clean) - clean
        assert (noise.shape, noise.dtype) == ((8, 3, 64, 64), torch.float32)
        for image in 255 * noise:
            assert image.std().item() == pytest.approx(25, rel=0.03)
            assert image.mean().item() == pytest.approx(0, abs=1)
        assert torch.corrcoef(noise.flatten(1)).fill_diagonal_(0).abs().max() < 0.05

    def test_a_range_is_drawn_from_evenly_for_each_image(self) -> None:
        clean = images(400, side=16)
        levels = 255 * (degraded(bound(sigma=(5.0, 55.0)), clean) - clean).std(dim=(1, 2, 3))
        assert 4.5 < levels.min() < 6
        assert 52 < levels.max() < 59
        assert levels.mean().item() == pytest.approx(30, abs=2)
        assert levels.quantile(0.25).item() == pytest.approx(17.5, abs=3)

    def test_noise_comes_from_the_generator_alone(self) -> None:
        first, same, other = (degraded(bound(sigma=(5.0, 55.0)), images(2), seed) for seed in (1, 1, 2))
        assert torch.equal(first, same)
        assert not torch.equal(first, other)

    def test_values_are_clipped_and_rounded_only_if_asked(self) -> None:
        clean = images(2, value=1.0)
        noisy = degraded(bound(quantise=True), clean)
        assert noisy.max() == 1
        assert noisy.min() < 0.9
        torch.testing.assert_close(noisy * 255, (noisy * 255).round(), rtol=0, atol=1e-4)
        assert degraded(bound(), clean).max() > 1.1

    @pytest.mark.parametrize("quantise", [False, True])
    def test_statistics_are_those_of_arrays(self, quantise: bool) -> None:
        """Near black, where clipping shows."""
        task = bound(sigma=40.0, quantise=quantise)
        dark = np.full((384, 384, 3), 0.1, dtype=np.float32)
        expected = task.degrade(dark, np.random.default_rng(0))
        noisy = degraded(task, images(1, side=384, value=0.1))
        assert noisy.mean().item() == pytest.approx(expected.mean(), abs=1e-3)
        assert noisy.std().item() == pytest.approx(expected.std(), rel=0.02)

    def test_clean_images_stay_as_they_are(self) -> None:
        clean = images(2)
        degraded(bound(quantise=True), clean)
        assert torch.equal(clean, images(2))

    def test_without_noise_nothing_changes(self) -> None:
        assert torch.equal(degraded(bound(sigma=0.0), images(2)), images(2))

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
    def test_on_a_gpu(self) -> None:
        clean = images(4).cuda()
        first, same = (bound().degrade_tensors(clean, torch.Generator("cuda").manual_seed(1)) for _ in range(2))
        assert first.device == clean.device
        assert torch.equal(first, same)
        assert (255 * (first - clean)).std().item() == pytest.approx(25, rel=0.03)


def images(count: int, *, side: int = 64, value: float = 0.5) -> Tensor:
    return torch.full((count, 3, side, side), value)


def degraded(task: GaussianDenoising, clean: Tensor, seed: int = 0) -> Tensor:
    return task.degrade_tensors(clean, torch.Generator().manual_seed(seed))
