"""Value ranges, luma, grey and alpha."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Number = TypeVar("Number", bound="np.number[Any]")
Float = TypeVar("Float", bound="np.floating[Any]")
Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def to_float(image: NDArray[Any]) -> NDArray[np.float32]:
    """Whole numbers to [0, 1].

    Args:
        image: any shape; uint8 (divided by 255), uint16 (by 65535), or float32 or float64, which
            keep their values.

    Returns:
        float32 of the same shape; ``image`` itself if it is float32.

    Raises:
        ValueError: any other type.
    """
    if image.dtype in (np.float32, np.float64):
        return image.astype(np.float32, copy=False)
    if image.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"expected uint8, uint16, float32 or float64, got {image.dtype}")
    scaled: NDArray[np.float32] = np.divide(image, np.iinfo(image.dtype).max, dtype=np.float32)
    return scaled


@overload
def from_float(image: NDArray[np.floating[Any]], dtype: type[np.uint8]) -> NDArray[np.uint8]: ...
@overload
def from_float(image: NDArray[np.floating[Any]], dtype: type[np.uint16]) -> NDArray[np.uint16]: ...
@overload
def from_float(image: NDArray[np.floating[Any]], dtype: DTypeLike) -> Pixels: ...
def from_float(image: NDArray[np.floating[Any]], dtype: DTypeLike) -> Pixels:
    """The inverse of :func:`to_float`: [0, 1] to whole numbers, clipped, halves rounded up.

    Args:
        image: any shape, float32 or float64.
        dtype: uint8 or uint16.

    Raises:
        ValueError: any other dtype, or an image with NaN (infinities are clipped).
    """
    target = np.dtype(dtype)
    if target not in (np.uint8, np.uint16):
        raise ValueError(f"expected dtype uint8 or uint16, got {target}")
    if np.isnan(image).any():
        raise ValueError(f"{np.isnan(image).sum()} of {image.size} values are not a number")
    top = np.iinfo(target).max
    # clipped first, so that the cast meets nothing it can't hold
    scaled = np.clip(image, 0, 1)
    scaled *= top
    scaled += 0.5
    rounded: Pixels = scaled.astype(target)
    return rounded


def rgb_to_y(image: NDArray[np.number[Any]]) -> NDArray[np.float64]:
    """Luma of BT.601 in studio swing, as MATLAB's ``rgb2ycbcr`` computes it.

    ``Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255``: black gives 16, white 235. MATLAB rounds
    for uint8 images; here nothing is rounded.

    Args:
        image: HxWx3 RGB on 0..255, any number type. Grey (HxW, HxWx1) counts as R = G = B.

    Returns:
        HxW float64.

    Raises:
        ValueError: any other shape.
    """
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        grey = image.reshape(image.shape[:2])
        scaled: NDArray[np.float64] = np.multiply(grey, 219.0 / 255.0, dtype=np.float64)
        return scaled + 16.0
    _require_rgb(image)
    # channel by channel: a 16 megapixel photo as HxWx3 in float64 would take 400 MB
    luma = np.full(image.shape[:2], 16.0)
    for channel, weight in enumerate((65.481, 128.553, 24.966)):
        luma += np.multiply(image[..., channel], weight / 255.0, dtype=np.float64)
    return luma


def rgb_to_grey(image: NDArray[Float]) -> NDArray[Float]:
    """Luma of BT.601 in full swing: 0.299 R + 0.587 G + 0.114 B.

    The inverse of :func:`grey_to_rgb`, up to rounding.

    Args:
        image: HxWx3 RGB of a floating type, any range.

    Returns:
        HxWx1 of the same type and range.

    Raises:
        ValueError: any other shape.
    """
    _require_rgb(image)
    weights = np.array([0.299, 0.587, 0.114], dtype=image.dtype)
    return (image @ weights)[..., np.newaxis]


def grey_to_rgb(image: NDArray[Number]) -> NDArray[Number]:
    """Grey HxW or HxWx1 three times over: HxWx3, same type and range. HxWx3 is returned as it is.

    Raises:
        ValueError: any other shape.
    """
    if image.ndim == 3 and image.shape[2] == 3:
        return image
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (1,)):
        raise ValueError(f"expected a grey image, HxW or HxWx1, got shape {image.shape}")
    return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)


def split_alpha(image: NDArray[Number]) -> tuple[NDArray[Number], NDArray[Number] | None]:
    """Take colour and alpha apart.

    Args:
        image: HxW or HxWx1 (grey), HxWx2 (grey, alpha), HxWx3 (RGB) or HxWx4 (RGB, alpha).

    Returns:
        Views of ``image``: colour as HxWx1 or HxWx3, and alpha as HxWx1 or None.

    Raises:
        ValueError: any other shape.
    """
    if image.ndim == 2:
        return image[..., np.newaxis], None
    if image.ndim != 3 or image.shape[2] not in (1, 2, 3, 4):
        raise ValueError(f"expected HxW or HxWx1 to HxWx4, got shape {image.shape}")
    if image.shape[2] in (1, 3):
        return image, None
    return image[..., :-1], image[..., -1:]


def join_alpha(color: NDArray[Number], alpha: NDArray[Number] | None) -> NDArray[Number]:
    """The inverse of :func:`split_alpha`, in the shapes that images are read in.

    Args:
        color: HxWx1 or HxWx3.
        alpha: HxWx1 in the type and range of ``color``, or None.

    Returns:
        HxW, HxWx2, HxWx3 or HxWx4.

    Raises:
        ValueError: other shapes, or heights and widths that differ.
    """
    if color.ndim != 3 or color.shape[2] not in (1, 3):
        raise ValueError(f"expected color of HxWx1 or HxWx3, got shape {color.shape}")
    if alpha is None:
        return color[..., 0] if color.shape[2] == 1 else color
    if alpha.shape != (*color.shape[:2], 1):
        raise ValueError(f"expected alpha of shape {(*color.shape[:2], 1)}, got {alpha.shape}")
    return np.concatenate([color, alpha], axis=2)


def _require_rgb(image: NDArray[Any]) -> None:
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected an RGB image, HxWx3, got shape {image.shape}")
