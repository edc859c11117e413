"""MATLAB-like bicubic: laws, and a slow reference. Golden values are in tests/golden."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from restoreroute.imaging.resize import resize

sides = st.integers(1, 16)
scales = st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.6, 0.7, 0.9, 1.0, 1.1, 1.5, 2.0, 3.0, 4.0])


def slow_resize(signal: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """One axis, sample by sample, straight from the definition."""

    def cubic(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    stretch = max(1 / scale, 1.0)
    mirrored = [*signal, *signal[::-1]]
    result = []
    for index in range(math.ceil(len(signal) * scale)):
        centre = (index + 0.5) / scale - 0.5
        taps = range(math.floor(centre - 2 * stretch), math.ceil(centre + 2 * stretch) + 1)
        weights = [cubic((centre - tap) / stretch) for tap in taps]
        values = [mirrored[tap % len(mirrored)] for tap in taps]
        result.append(np.dot(weights, values) / sum(weights))
    return np.array(result)


@given(sides, sides, scales)
@settings(deadline=None)  # timings on a shared machine say nothing
def test_equals_the_definition_along_both_axes(height: int, width: int, scale: float) -> None:
    image = np.random.default_rng(height * 100 + width).random((height, width, 1))
    by_rows = np.apply_along_axis(slow_resize, 0, image, scale)
    expected = np.apply_along_axis(slow_resize, 1, by_rows, scale)
    np.testing.assert_allclose(resize(image, scale), expected, atol=1e-12)


@given(sides, sides, scales, st.sampled_from([1, 3, 4]))
@settings(deadline=None)  # timings on a shared machine say nothing
def test_size_is_rounded_up(height: int, width: int, scale: float, channels: int) -> None:
    result = resize(np.zeros((height, width, channels)), scale)
    assert result.shape == (math.ceil(height * scale), math.ceil(width * scale), channels)


@given(sides, sides, scales, st.floats(-1e3, 1e3))
@settings(deadline=None)  # timings on a shared machine say nothing
def test_a_constant_stays_constant(height: int, width: int, scale: float, value: float) -> None:
    result = resize(np.full((height, width, 2), value), scale)
    np.testing.assert_allclose(result, value, rtol=1e-12, atol=1e-12)


@given(st.sampled_from([1 / 4, 1 / 3, 0.5, 0.6, 0.75, 1.5, 2.0, 3.0, 4.0]), st.integers(1, 3))
@settings(deadline=None)  # timings on a shared machine say nothing
def test_mirrored_image_gives_mirrored_result(scale: float, channels: int) -> None:
    # of these sides every scale makes a whole number, so that the sampling grid is symmetric
    image = np.random.default_rng(channels).random((60, 120, channels))
    turned = resize(image[::-1, ::-1], scale)
    np.testing.assert_allclose(turned[::-1, ::-1], resize(image, scale), atol=1e-12)


def test_scale_1_is_the_identity(rng: np.random.Generator) -> None:
    image = rng.random((7, 9, 3), dtype=np.float32)
    result = resize(image, 1.0)
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_type_is_kept(rng: np.random.Generator, dtype: type[np.float32]) -> None:
    image = rng.random((16, 12, 3)).astype(dtype)
    result = resize(image, 0.5)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, resize(image.astype(np.float64), 0.5), atol=2e-3)


def test_single_precision_is_close_to_double(rng: np.random.Generator) -> None:
    image = rng.random((64, 80, 3))
    for scale in (0.25, 4.0):
        result = resize(image.astype(np.float32), scale)
        np.testing.assert_allclose(result, resize(image, scale), atol=2e-6)


def test_grey_without_a_channel_axis(rng: np.random.Generator) -> None:
    image = rng.random((10, 12))
    np.testing.assert_array_equal(resize(image, 2.0), resize(image[..., None], 2.0)[..., 0])


def test_overshoot_is_not_clipped() -> None:
    edge = np.zeros((8, 8, 1))
    edge[:, 4:] = 1
    result = resize(edge, 2.0)
    assert result.min() < -0.01
    assert result.max() > 1.01


def test_channels_do_not_mix(rng: np.random.Generator) -> None:
    image = rng.random((12, 10, 3))
    result = resize(image, 0.5)
    for channel in range(3):
        np.testing.assert_allclose(result[..., channel], resize(image[..., channel], 0.5))


@given(st.sampled_from([0.25, 0.5, 2.0, 4.0]), st.integers(-1, 1), st.integers(-1, 1))
@settings(deadline=None)  # timings on a shared machine say nothing
def test_given_size_cuts_or_extends_at_right_and_bottom(scale: float, more: int, wider: int) -> None:
    image = np.random.default_rng(1).random((24, 16, 1))
    usual = resize(image, scale)
    height, width = usual.shape[0] + more, usual.shape[1] + wider
    result = resize(image, scale, size=(height, width))
    assert result.shape == (height, width, 1)
    shared = (slice(0, min(height, usual.shape[0])), slice(0, min(width, usual.shape[1])))
    np.testing.assert_allclose(result[shared], usual[shared], atol=1e-12)


def test_views_are_read_right(rng: np.random.Generator) -> None:
    image = rng.random((3, 20, 14)).transpose(1, 2, 0)[::2, ::-1]
    np.testing.assert_array_equal(resize(image, 0.5), resize(image.copy(), 0.5))


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros((4, 4, 3), dtype=np.uint8), {"scale": 2.0}, "uint8"),
        (np.zeros((0, 4, 3)), {"scale": 2.0}, r"\(0, 4, 3\)"),
        (np.zeros(4), {"scale": 2.0}, r"\(4,\)"),
        (np.zeros((4, 4, 3)), {"scale": 0.0}, "got 0.0"),
        (np.zeros((4, 4, 3)), {"scale": -1.0}, "got -1.0"),
        (np.zeros((4, 4, 3)), {"scale": math.nan}, "got nan"),
        (np.zeros((4, 4, 3)), {"scale": 2.0, "size": (0, 8)}, "0 x 8"),
    ],
)
def test_refuses_with_the_value(image: NDArray[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resize(image, **options)
