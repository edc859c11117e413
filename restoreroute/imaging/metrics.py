"""PSNR and SSIM, over all channels and over luma.

Both images come in the same shape, HxW or HxWxC, in any number type, on 0..data_range: 255 for 8
bit, 65535 for 16 bit, 1 for floats in [0, 1]. Values outside are neither clipped nor rounded.
``crop_border`` pixels are dropped at each side first. Work is done in float64, in stripes of rows,
so that photos of any height take little memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from restoreroute.imaging.color import rgb_to_y

Image = NDArray[np.number[Any]]

_STRIPE = 128  # rows worked on at a time
_WINDOW = 11  # pixels, side of the SSIM window
_SIGMA = 1.5  # pixels, of the SSIM window


def psnr(a: Image, b: Image, *, data_range: float, crop_border: int = 0) -> float:
    """Peak signal-to-noise ratio in dB; inf for equal images.

    From the mean squared error over all pixels and channels jointly.

    Raises:
        ValueError: shapes that differ, a border that leaves nothing, data_range not above 0.
    """
    a, b = _comparable(a, b, data_range, crop_border)
    squares = 0.0
    for top in range(0, a.shape[0], _STRIPE):
        rows = slice(top, top + _STRIPE)
        error = np.subtract(a[rows], b[rows], dtype=np.float64).ravel()
        squares += float(error @ error)
    return math.inf if squares == 0 else 10 * math.log10(data_range**2 * a.size / squares)


def psnr_y(a: Image, b: Image, *, data_range: float, crop_border: int = 0) -> float:
    """:func:`psnr` of luma, BT.601 in studio swing (:func:`.rgb_to_y`), against a peak of 255.

    Raises:
        ValueError: as psnr, and for images that are neither RGB nor grey.
    """
    a, b = _comparable(a, b, data_range, crop_border)
    return psnr(_luma(a, data_range), _luma(b, data_range), data_range=255.0)


def ssim(a: Image, b: Image, *, data_range: float, crop_border: int = 0) -> float:
    """Structural similarity of Wang et al. (2004), at most 1.

    Gaussian window of 11 x 11, sigma 1.5; K1 = 0.01, K2 = 0.03; the mean over the windows that lie
    wholly inside the image, and over channels.

    Raises:
        ValueError: as psnr, and for images below 11 pixels a side after cropping.
    """
    a, b = _comparable(a, b, data_range, crop_border)
    height, width = a.shape[:2]
    if min(height, width) < _WINDOW:
        size = f"{height} x {width} after cropping"
        raise ValueError(f"SSIM needs {_WINDOW} x {_WINDOW} pixels, got {size}")
    total = 0.0
    for rows in _overlapping_stripes(height):
        first, second = a[rows].astype(np.float64), b[rows].astype(np.float64)
        mean = structural_similarity(  # type: ignore[no-untyped-call]
            first,
            second,
            data_range=data_range,
            channel_axis=2,
            gaussian_weights=True,
            sigma=_SIGMA,
            use_sample_covariance=False,
        )
        total += float(mean) * (first.shape[0] - _WINDOW + 1)
    windows: int = height - _WINDOW + 1
    return total / windows


def ssim_y(a: Image, b: Image, *, data_range: float, crop_border: int = 0) -> float:
    """:func:`ssim` of luma, BT.601 in studio swing (:func:`.rgb_to_y`), on a range of 255.

    Raises:
        ValueError: as ssim, and for images that are neither RGB nor grey.
    """
    a, b = _comparable(a, b, data_range, crop_border)
    return ssim(_luma(a, data_range), _luma(b, data_range), data_range=255.0)


def _comparable(a: Image, b: Image, data_range: float, crop_border: int) -> tuple[Image, Image]:
    """Views of both images as HxWxC without their borders, after all checks."""
    if a.shape != b.shape:
        raise ValueError(f"the images differ in shape: {a.shape} and {b.shape}")
    if a.ndim not in (2, 3):
        raise ValueError(f"expected images of HxW or HxWxC, got shape {a.shape}")
    if not data_range > 0:
        raise ValueError(f"data_range must be above 0, got {data_range}")
    if crop_border < 0:
        raise ValueError(f"crop_border must not be negative, got {crop_border}")
    height, width = a.shape[:2]
    if min(height, width) <= 2 * crop_border:
        raise ValueError(f"crop_border={crop_border} leaves nothing of {height} x {width} pixels")
    inside = (slice(crop_border, height - crop_border), slice(crop_border, width - crop_border))
    if a.ndim == 2:
        return a[inside][..., np.newaxis], b[inside][..., np.newaxis]
    return a[inside], b[inside]


def _luma(image: Image, data_range: float) -> NDArray[np.float64]:
    if data_range == 255:
        return rgb_to_y(image)
    return rgb_to_y(np.multiply(image, 255.0 / data_range, dtype=np.float64))


def _overlapping_stripes(height: int) -> Iterator[slice]:
    """Stripes of rows that share the _WINDOW - 1 rows which windows at their seams need."""
    for top in range(0, height - _WINDOW + 1, _STRIPE):
        yield slice(top, top + _STRIPE + _WINDOW - 1)
