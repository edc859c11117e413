"""Images from which sub-images are cut: arrays in memory or on disk, or one tensor on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restoreroute.data.places import VARIANTS, Places, turned
from restoreroute.imaging.color import to_float


class Images(Protocol):
    """Images of any sizes with as many channels each."""

    @property
    def device(self) -> torch.device:
        """Where :meth:`cut` puts what it cuts."""
        ...

    def cut(self, places: Places) -> Tensor:
        """Squares of images, (B, side, side, C) float32 in [0, 1]."""
        ...


class SlicedImages:
    """Arrays, in memory or mapped from files, that are sliced on the CPU.

    Args:
        arrays: H x W x C each, uint8, uint16 or float32.
    """

    device = torch.device("cpu")

    def __init__(self, arrays: Sequence[NDArray[Any]]) -> None:
        self.arrays = arrays

    def cut(self, places: Places) -> Tensor:
        """Squares of images, (B, side, side, C) float32 in [0, 1]."""
        side = places.side
        cut = np.empty((len(places), side, side, self.arrays[0].shape[2]), dtype=np.float32)
        squares = zip(
            cut, places.image.tolist(), places.y.tolist(), places.x.tolist(), places.variant.tolist(), strict=True
        )
        # by NumPy: in a thread beside training, torch would start further threads that compete with those of training
        for square, image, y, x, variant in squares:
            piece = turned(self.arrays[image][y : y + side, x : x + side], variant)
            np.divide(piece, _largest(piece.dtype), out=square, dtype=np.float32)
        return torch.from_numpy(cut)


def _largest(dtype: np.dtype[Any]) -> int:
    """The value that counts as 1: each piece's own, since images of 8 and of 16 bits may meet in one batch."""
    return int(np.iinfo(dtype).max) if dtype.kind == "u" else 1


class ResidentImages:
    """All pixels in one tensor on a device, from which whole batches are gathered at once.

    Values of 8 bits stay 8 bits; if any image has more, all are held as float32.

    Args:
        arrays: H x W x C each, uint8, uint16 or float32.
        device: where they are held.
    """

    def __init__(self, arrays: Sequence[NDArray[Any]], device: torch.device) -> None:
        self.device = device
        eight_bits = all(array.dtype == np.uint8 for array in arrays)
        flat = [np.asarray(array if eight_bits else to_float(array)).reshape(-1, array.shape[2]) for array in arrays]
        lengths = [len(pixels) for pixels in flat]
        self._pixels = torch.empty(
            sum(lengths), arrays[0].shape[2], dtype=torch.uint8 if eight_bits else torch.float32, device=device
        )
        starts = np.cumsum([0, *lengths])
        for pixels, start in zip(flat, starts.tolist(), strict=False):
            self._pixels[start : start + len(pixels)] = torch.from_numpy(np.array(pixels)).to(device)
        self._starts = starts[:-1]
        self._widths = np.array([array.shape[1] for array in arrays])
        self._orders: dict[int, tuple[Tensor, Tensor]] = {}

    def cut(self, places: Places) -> Tensor:
        """Squares of images, (B, side, side, C) float32 in [0, 1]."""
        widths = self._widths[places.image]
        corners = self._starts[places.image] + places.y.astype(np.int64) * widths + places.x
        corner, width, variant = (
            torch.from_numpy(np.asarray(values, dtype=np.int64)).to(self.device, non_blocking=True)
            for values in (corners, widths, places.variant)
        )
        rows, columns = (order[variant] for order in self._orders_of(places.side))  # (B, side, side) each
        position = corner[:, None, None] + rows * width[:, None, None] + columns
        cut = self._pixels[position]
        return cut.float().div_(255) if cut.dtype == torch.uint8 else cut

    def _orders_of(self, side: int) -> tuple[Tensor, Tensor]:
        """Row and column that each pixel of a turned square comes from: (VARIANTS, side, side) each, made once."""
        if side not in self._orders:
            rows, columns = (
                torch.from_numpy(np.stack([turned(order, variant) for variant in range(VARIANTS)])).to(self.device)
                for order in np.mgrid[:side, :side]
            )
            self._orders[side] = rows, columns
        return self._orders[side]


def bytes_held(arrays: Sequence[NDArray[Any]], device: torch.device) -> int:
    """Bytes that images take on a device, as :func:`hold` holds them."""
    if device.type == "cpu" or all(array.dtype == np.uint8 for array in arrays):
        return sum(array.nbytes for array in arrays)
    return sum(array.size * 4 for array in arrays)


def hold(arrays: Sequence[NDArray[Any]], device: torch.device) -> Images:
    """Take images into the memory of a device, so that no batch waits for a file.

    Args:
        arrays: H x W x C each, uint8, uint16 or float32; mapped from files, for example.
        device: where batches are needed.
    """
    if device.type == "cpu":
        return SlicedImages([np.array(array) for array in arrays])
    return ResidentImages(arrays, device)
