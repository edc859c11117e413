"""Value ranges, luma, grey and alpha."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.color import rgb2ycbcr

from restoreroute.imaging.color import (
    from_float,
    grey_to_rgb,
    join_alpha,
    rgb_to_grey,
    rgb_to_y,
    split_alpha,
    to_float,
)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_whole_number_survives_the_way_to_float_and_back(dtype: type[np.uint8]) -> None:
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    scaled = to_float(values)
    assert scaled.dtype == np.float32
    assert (scaled[0], scaled[-1]) == (0, 1)
    np.testing.assert_array_equal(from_float(scaled, dtype), values)
    assert from_float(scaled, values.dtype).dtype == dtype


def test_floats_keep_their_values() -> None:
    single = np.array([-0.5, 0.25, 300.0], dtype=np.float32)
    assert to_float(single) is single
    converted = to_float(single.astype(np.float64))
    assert converted.dtype == np.float32
    np.testing.assert_array_equal(converted, single)


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.bool_, np.float16])
def test_other_types_are_refused_by_name(dtype: type[np.generic]) -> None:
    with pytest.raises(ValueError, match=np.dtype(dtype).name):
        to_float(np.zeros((2, 2), dtype=dtype))


def test_from_float_rounds_and_clips() -> None:
    image = np.array([-np.inf, -1, 0.49 / 255, 0.5 / 255, 1.49 / 255, 1, 2, np.inf])
    np.testing.assert_array_equal(from_float(image, np.uint8), [0, 0, 0, 1, 1, 255, 255, 255])


def test_from_float_leaves_its_input_alone() -> None:
    image = np.array([0.2, 1.4], dtype=np.float32)
    before = image.copy()
    from_float(image, np.uint16)
    np.testing.assert_array_equal(image, before)


def test_from_float_refuses_nan_and_other_types() -> None:
    with pytest.raises(ValueError, match="1 of 2 values are not a number"):
        from_float(np.array([0.5, np.nan]), np.uint8)
    with pytest.raises(ValueError, match="int32"):
        from_float(np.array([0.5]), np.int32)


def test_luma_equals_scikit_image(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (13, 17, 3), dtype=np.uint8)
    luma = rgb_to_y(image)
    assert luma.dtype == np.float64
    np.testing.assert_allclose(luma, rgb2ycbcr(image)[..., 0], atol=1e-10)
    np.testing.assert_allclose(rgb_to_y(image.astype(np.float32)), luma, atol=1e-10)


def test_luma_spans_16_to_235() -> None:
    black_and_white = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(rgb_to_y(black_and_white), [[16, 235]])


@given(st.integers(0, 255))
@settings(deadline=None)  # timings on a shared machine say nothing
def test_luma_of_grey_is_that_of_equal_rgb(value: int) -> None:
    grey = np.full((2, 3), value, dtype=np.uint8)
    expected = rgb_to_y(grey_to_rgb(grey))
    np.testing.assert_allclose(rgb_to_y(grey), expected, atol=1e-10)
    np.testing.assert_allclose(rgb_to_y(grey[..., np.newaxis]), expected, atol=1e-10)


@pytest.mark.parametrize("shape", [(4,), (4, 5, 2), (4, 5, 4), (1, 4, 5, 3)])
def test_luma_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="HxWx3"):
        rgb_to_y(np.zeros(shape))


def test_grey_to_rgb_and_back(rng: np.random.Generator) -> None:
    grey = rng.random((5, 6, 1), dtype=np.float32)
    image = grey_to_rgb(grey)
    assert image.shape == (5, 6, 3)
    back = rgb_to_grey(image)
    assert (back.shape, back.dtype) == (grey.shape, grey.dtype)
    np.testing.assert_allclose(back, grey, atol=1e-6)
    assert grey_to_rgb(image) is image
    with pytest.raises(ValueError, match=r"\(5, 6, 2\)"):
        grey_to_rgb(image[..., :2])


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 2), (4, 5, 3), (4, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_join_is_the_inverse_of_split(shape: tuple[int, ...], dtype: type[np.float32]) -> None:
    image = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    color, alpha = split_alpha(image)
    assert color.shape == (4, 5, 1 if shape[2:] in ((), (2,)) else 3)
    assert (alpha is not None) == (shape[2:] in ((2,), (4,)))
    joined = join_alpha(color, alpha)
    assert joined.dtype == dtype
    np.testing.assert_array_equal(joined, image)


@pytest.mark.parametrize("shape", [(4,), (4, 5, 5), (4, 5, 0)])
def test_split_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="got shape"):
        split_alpha(np.zeros(shape))


@pytest.mark.parametrize(
    ("color", "alpha"),
    [((4, 5), None), ((4, 5, 4), None), ((4, 5, 3), (4, 5)), ((4, 5, 3), (4, 6, 1))],
)
def test_join_refuses_what_does_not_fit(color: tuple[int, ...], alpha: tuple[int, ...] | None) -> None:
    opacity: NDArray[Any] | None = None if alpha is None else np.zeros(alpha)
    with pytest.raises(ValueError, match="expected"):
        join_alpha(np.zeros(color), opacity)
