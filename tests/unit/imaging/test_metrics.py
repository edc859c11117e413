"""PSNR and SSIM against scikit-image, and their laws. Golden values are in tests/golden."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restoreroute.imaging.color import grey_to_rgb, rgb_to_y
from restoreroute.imaging.metrics import psnr, psnr_y, ssim, ssim_y
from restoreroute.imaging.resize import resize

Metric = Callable[..., float]
ALL = [psnr, psnr_y, ssim, ssim_y]


@pytest.fixture
def pair(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A smooth image of more rows than one stripe, 300 x 41, and a noisy copy; 8 bit."""
    smooth = np.clip(resize(rng.random((30, 5, 3)), 10.0, size=(300, 41)), 0, 1) * 255
    noisy = np.clip(smooth + rng.normal(0, 12, smooth.shape), 0, 255)
    return smooth.astype(np.uint8), noisy.astype(np.uint8)


def reference_ssim(a: NDArray[Any], b: NDArray[Any], data_range: float) -> float:
    return float(
        structural_similarity(
            a,
            b,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=data_range,
            channel_axis=2 if a.ndim == 3 else None,
        )
    )


@pytest.mark.parametrize("border", [0, 4])
def test_equal_to_scikit_image(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]], border: int) -> None:
    a, b = pair
    inside = slice(border, -border or None)
    c, d = a[inside, inside], b[inside, inside]
    options = {"data_range": 255, "crop_border": border}
    assert psnr(a, b, **options) == pytest.approx(peak_signal_noise_ratio(c, d), abs=1e-10)
    assert ssim(a, b, **options) == pytest.approx(reference_ssim(c, d, 255), abs=1e-10)
    c_y, d_y = rgb_to_y(c), rgb_to_y(d)
    expected = peak_signal_noise_ratio(c_y, d_y, data_range=255)
    assert psnr_y(a, b, **options) == pytest.approx(expected, abs=1e-10)
    assert ssim_y(a, b, **options) == pytest.approx(reference_ssim(c_y, d_y, 255), abs=1e-10)


def test_ssim_of_flat_images_equals_scikit_image() -> None:
    # flat parts are where E[x^2] - E[x]^2 loses its digits
    a = np.full((140, 20), 250.0)
    b = np.full((140, 20), 249.3)
    b[70:] = 0.4
    assert ssim(a, b, data_range=255) == pytest.approx(reference_ssim(a, b, 255), abs=1e-10)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(("data_range", "dtype"), [(1.0, np.float32), (65535, np.uint16)])
def test_the_range_does_not_matter(
    pair: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    metric: Metric,
    data_range: float,
    dtype: type[np.float32],
) -> None:
    a, b = (np.multiply(image, data_range / 255, dtype=np.float64).astype(dtype) for image in pair)
    expected = metric(*pair, data_range=255)
    assert metric(a, b, data_range=data_range) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("metric", ALL)
def test_symmetric(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]], metric: Metric) -> None:
    a, b = pair
    assert metric(a, b, data_range=255) == pytest.approx(metric(b, a, data_range=255), abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_equal_images(metric: Metric, rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (20, 22, 3), dtype=np.uint8)
    best = math.inf if metric in (psnr, psnr_y) else 1.0
    assert metric(image, image.copy(), data_range=255) == best


@given(st.integers(1, 100), st.integers(1, 155))
@settings(deadline=None)  # timings on a shared machine say nothing
def test_psnr_of_a_constant_error(error: int, value: int) -> None:
    a = np.full((3, 200, 3), value, dtype=np.uint8)
    expected = 20 * math.log10(255 / error)
    assert psnr(a, a + np.uint8(error), data_range=255) == pytest.approx(expected)
    # unsigned numbers must not wrap round
    assert psnr(a + np.uint8(error), a, data_range=255) == pytest.approx(expected)


def test_psnr_is_joint_over_channels() -> None:
    a = np.zeros((4, 4, 3))
    b = a.copy()
    b[..., 0] = 0.1
    assert psnr(a, b, data_range=1) == pytest.approx(20 + 10 * math.log10(3))


@pytest.mark.parametrize("metric", [psnr_y, ssim_y])
def test_grey_counts_as_equal_rgb(metric: Metric, rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 256, (2, 16, 18), dtype=np.uint8)
    expected = metric(grey_to_rgb(a), grey_to_rgb(b), data_range=255)
    assert metric(a, b, data_range=255) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_one_channel_with_and_without_axis(metric: Metric, rng: np.random.Generator) -> None:
    a, b = rng.random((2, 16, 18, 1))
    assert metric(a, b, data_range=1) == metric(a[..., 0], b[..., 0], data_range=1)


@pytest.mark.parametrize("metric", ALL)
def test_only_the_inside_counts(metric: Metric, rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 256, (2, 24, 26, 3), dtype=np.uint8)
    spoilt = b.copy()
    spoilt[:3], spoilt[-3:], spoilt[:, :3], spoilt[:, -3:] = 0, 255, 0, 255
    options = {"data_range": 255, "crop_border": 3}
    assert metric(a, b, **options) == metric(a, spoilt, **options)


@pytest.mark.parametrize("metric", [ssim, ssim_y])
def test_ssim_needs_a_whole_window(metric: Metric) -> None:
    smallest = np.zeros((11, 11, 3))
    assert metric(smallest, smallest, data_range=255) == 1.0
    with pytest.raises(ValueError, match="got 10 x 11 after cropping"):
        metric(np.zeros((18, 19, 3)), np.zeros((18, 19, 3)), data_range=255, crop_border=4)


@pytest.mark.parametrize("metric", ALL)
def test_refuses_with_the_values(metric: Metric) -> None:
    a, b = np.zeros((20, 20, 3)), np.zeros((20, 21, 3))
    with pytest.raises(ValueError, match=r"\(20, 20, 3\) and \(20, 21, 3\)"):
        metric(a, b, data_range=255)
    with pytest.raises(ValueError, match="crop_border=10 leaves nothing of 20 x 20"):
        metric(a, a, data_range=255, crop_border=10)
    with pytest.raises(ValueError, match="got -1"):
        metric(a, a, data_range=255, crop_border=-1)
    with pytest.raises(ValueError, match="data_range must be above 0, got 0"):
        metric(a, a, data_range=0)
    with pytest.raises(ValueError, match=r"got shape \(20,\)"):
        metric(a[:, 0, 0], a[:, 0, 0], data_range=255)
