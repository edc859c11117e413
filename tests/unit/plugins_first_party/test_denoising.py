"""Gaussian denoising and DnCNN."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from restoreroute.routing.cost import measure_cost
from restoreroute_backbones.dncnn import DNCNN, DncnnOptions
from restoreroute_tasks.gaussian_denoising import GAUSSIAN_DENOISING, GaussianDenoising, GaussianDenoisingOptions

CLEAN = np.full((64, 64, 3), 0.5, dtype=np.float32)


def bound(**options: object) -> GaussianDenoising:
    task = GAUSSIAN_DENOISING.build(GaussianDenoisingOptions.model_validate(options))
    assert isinstance(task, GaussianDenoising)
    return task


def make(width: int = 8, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return DNCNN.build(DncnnOptions.model_validate(options), width=width, scale=1, channels=3)


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


@pytest.mark.parametrize(("width", "executed"), [(38, 403e6), (52, 753e6), (64, 1140e6)])
def test_costs_of_the_paper(width: int, executed: float) -> None:
    cost = measure_cost(make(width), (1, 3, 32, 32))
    assert cost.executed == pytest.approx(executed, abs=1e6)
    assert cost.paper == cost.executed


def test_the_identity_start() -> None:
    image = torch.rand(1, 3, 9, 8)
    with torch.inference_mode():
        changed = (make()(image) - image).abs().max()
        assert changed < 0.1 < (make(initialisation="official")(image) - image).abs().max()


@pytest.mark.parametrize("layers", [2, 5])
def test_an_output_depends_on_its_receptive_field(layers: int) -> None:
    network = make(layers=layers, initialisation="official").double()
    reach = DNCNN.receptive_field(DncnnOptions(layers=layers), 1)
    side = 2 * reach + 3
    image = torch.rand(1, 3, side, side, dtype=torch.float64)
    changed = image.clone()
    changed[..., side // 2, side // 2] += 1
    with torch.inference_mode():
        touched = (network(changed) - network(image)).abs().amax(dim=(0, 1)) > 0
    distance = (torch.arange(side) - side // 2).abs()
    assert torch.maximum(distance[:, None], distance[None, :])[touched].max() == reach


def test_widths() -> None:
    assert DNCNN.widths_for(3) == DNCNN.widths == (38, 52, 64)
    assert DNCNN.widths_for(2) == (38, 64)
    with pytest.raises(ValueError, match="at most 27 distinct widths from 38 to 64, not 28"):
        DNCNN.widths_for(28)
