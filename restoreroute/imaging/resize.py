"""Bicubic resizing as MATLAB's ``imresize`` does it: what super-resolution is measured on."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Float = TypeVar("Float", bound="np.floating[Any]")


def resize(
    image: NDArray[Float],
    scale: float,
    *,
    size: tuple[int, int] | None = None,
) -> NDArray[Float]:
    """Resize with the cubic kernel a = -0.5, widened by 1 / scale when shrinking (antialiasing).

    The border is mirrored, its outermost pixel twice (MATLAB's "symmetric"). Values overshoot at
    edges and are not clipped. As with MATLAB's ``imresize(image, "Scale", scale, "OutputSize",
    size)``, ``size`` cuts off or extends the result at right and bottom; it does not change where
    the other pixels lie.

    Args:
        image: HxWxC or HxW of a floating type, any range.
        scale: output side / input side, above 0.
        size: height and width of the result; by default ceil(H * scale), ceil(W * scale) in
            floating point, so that 10 * 1.1 gives 12, in MATLAB too.

    Returns:
        A new array of that height and width, type and number of channels as ``image``; computed in
        float64 for float64, else in float32.

    Raises:
        ValueError: no floating type, an empty image, a scale or size that is not positive.
    """
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"expected a floating type, got {image.dtype}: convert with to_float")
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(f"expected a non-empty HxW or HxWxC image, got shape {image.shape}")
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be above 0, got {scale}")
    height, width = image.shape[:2]
    new_height, new_width = size or (math.ceil(height * scale), math.ceil(width * scale))
    if new_height < 1 or new_width < 1:
        raise ValueError(f"size must be at least 1 x 1, got {new_height} x {new_width}")

    dtype = np.float64 if image.dtype == np.float64 else np.float32
    down = _weights(height, new_height, scale, dtype)
    across = _weights(width, new_width, scale, dtype)
    pixels = np.ascontiguousarray(image.reshape(height, width, -1), dtype=dtype)
    # rows are mixed in place, columns need a transposed copy: make that of the smaller image
    if scale < 1:
        pixels = _mix_columns(_mix_rows(pixels, down), across)
    else:
        pixels = _mix_rows(_mix_columns(pixels, across), down)
    return pixels.reshape(new_height, new_width, *image.shape[2:]).astype(image.dtype, copy=False)


def _weights(
    length: int,
    new_length: int,
    scale: float,
    dtype: type[np.floating[Any]],
) -> sparse.csr_array:
    """The matrix, new_length x length, that resizes one axis; its rows add up to 1."""
    shrink = min(scale, 1.0)
    support = 4.0 / shrink
    centre = (np.arange(new_length) + 0.5) / scale - 0.5
    first = np.floor(centre - support / 2).astype(np.int64)
    position = first[:, np.newaxis] + np.arange(math.ceil(support) + 2)
    weight = _cubic((centre[:, np.newaxis] - position) * shrink)
    weight /= weight.sum(axis=1, keepdims=True)
    row = np.broadcast_to(np.arange(new_length)[:, np.newaxis], weight.shape)
    used = weight != 0
    entries = (weight[used], (row[used], _mirror(position[used], length)))
    return sparse.csr_array(entries, shape=(new_length, length)).astype(dtype)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic convolution kernel of Keys (1981) with a = -0.5; 0 from |x| = 2 on."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _mirror(position: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Indices into 0..length-1 for positions beyond it: ... 1 0 | 0 1 ... n-1 | n-1 n-2 ..."""
    wrapped = position % (2 * length)
    return np.minimum(wrapped, 2 * length - 1 - wrapped)


def _mix_rows(pixels: NDArray[Any], weights: sparse.csr_array) -> NDArray[Any]:
    height, width, channels = pixels.shape
    mixed: NDArray[Any] = weights @ pixels.reshape(height, width * channels)
    return mixed.reshape(-1, width, channels)


def _mix_columns(pixels: NDArray[Any], weights: sparse.csr_array) -> NDArray[Any]:
    columns_first = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    return np.ascontiguousarray(_mix_rows(columns_first, weights).transpose(1, 0, 2))
