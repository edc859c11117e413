"""Super-resolution."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from restoreroute.imaging.resize import resize
from restoreroute.spec.task import BoundTask
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION, SuperResolutionOptions

SCALES = range(2, 9)


def bind(scale: int) -> BoundTask:
    return SUPER_RESOLUTION.build(SuperResolutionOptions(scale=scale))


def draw(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


@pytest.mark.parametrize("scale", SCALES)
def test_facts(scale: int) -> None:
    task = bind(scale)
    assert isinstance(task, BoundTask)
    assert (task.scale, task.crop_border, task.channels, task.random, task.degraded_bits) == (scale, scale, 3, False, 8)


def test_four_is_the_default() -> None:
    assert SUPER_RESOLUTION.build(SuperResolutionOptions()).scale == 4


@pytest.mark.parametrize("scale", [1, 9, 2.0])
def test_other_scales_are_refused(scale: float) -> None:
    with pytest.raises(ValidationError, match="scale"):
        SuperResolutionOptions.model_validate({"scale": scale})


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (10, 5)])
def test_sizes(scale: int, size: tuple[int, int]) -> None:
    task = bind(scale)
    degraded = task.degrade(draw(size[0] * scale, size[1] * scale, 3), np.random.default_rng(0))
    assert degraded.shape == (*size, 3)
    assert degraded.dtype == np.float32
    assert task.interpolate(degraded).shape == (size[0] * scale, size[1] * scale, 3)


def test_degraded_values_are_of_eight_bits() -> None:
    clean = (draw(64, 64, 3) > 0.5).astype(np.float32)  # bicubic overshoots here
    degraded = bind(2).degrade(clean, np.random.default_rng(0))
    steps = degraded * 255
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)
    assert degraded.min() == 0
    assert degraded.max() == 1
    np.testing.assert_allclose(degraded, np.clip(resize(clean, 0.5), 0, 1), atol=0.5 / 255 + 1e-6)


def test_degrading_draws_nothing() -> None:
    clean = draw(16, 16, 3)
    one, other = (bind(4).degrade(clean, np.random.default_rng(seed)) for seed in (1, 2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("channels", [1, 3, 7])
def test_interpolation_takes_any_number_of_channels_and_does_not_clip(channels: int) -> None:
    image = (draw(12, 12, channels) > 0.5).astype(np.float32)
    restored = bind(3).interpolate(image)
    assert restored.shape == (36, 36, channels)
    assert restored.min() < 0
    assert restored.max() > 1
    for channel in range(channels):
        np.testing.assert_allclose(restored[..., channel], resize(image[..., channel], 3), atol=1e-6)


def test_interpolation_brings_a_smooth_image_back() -> None:
    rows, columns = np.mgrid[0:64, 0:48] / 64
    clean = np.stack([rows, columns, (rows + columns) / 2], axis=2).astype(np.float32)
    task = bind(4)
    restored = task.interpolate(task.degrade(clean, np.random.default_rng(0)))
    assert np.abs(restored - clean)[8:-8, 8:-8].max() < 0.01
