"""Batches of degraded and clean sub-images as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restoreroute.data.images import Images, SlicedImages, bytes_held, hold
from restoreroute.data.pairs import Pair
from restoreroute.data.patch_index import PatchIndex
from restoreroute.data.places import VARIANTS, Places
from restoreroute.data.sampler import Sampler
from restoreroute.spec.task import BoundTask, DegradesTensors

Arrays = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Sub-images in [0, 1], channels_last: degraded (B, C, h, w) and clean (B, C, H, W)."""

    degraded: Tensor
    clean: Tensor

    def to(self, device: torch.device) -> Self:
        """The same batch on a device."""
        return replace(self, degraded=self.degraded.to(device), clean=self.clean.to(device))

    def arrays(self) -> Arrays:
        """Degraded (B, h, w, C) and clean (B, H, W, C) sub-images as arrays."""
        return as_array(self.degraded), as_array(self.clean)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How training varies a sub-image, each one anew in every batch.

    Attributes:
        turn: one of the eight rotations and flips.
        shuffle_colours: its colour channels in any order.
    """

    turn: bool = False
    shuffle_colours: bool = False


NO_AUGMENTATION = Augmentation()


@dataclass(frozen=True, kw_only=True)
class SubImages:
    """The sub-images of an index, cut from images when they are asked for.

    Attributes:
        clean: the clean images.
        degraded: the degraded ones; None where the task degrades sub-images at random.
        sizes: height and width of each degraded image.
        index: where the sub-images lie, in degraded pixels.
        task: how clean sub-images become degraded ones.
    """

    clean: Images
    degraded: Images | None
    sizes: Sequence[tuple[int, int]]
    index: PatchIndex
    task: BoundTask

    @classmethod
    def of(cls, pairs: Sequence[Pair], index: PatchIndex, task: BoundTask) -> Self:
        """Sub-images of pairs whose arrays stay where they are."""
        clean, degraded = _arrays_of(pairs)
        return cls(
            clean=SlicedImages(clean),
            degraded=None if degraded is None else SlicedImages(degraded),
            sizes=[pair.degraded_size(task.scale) for pair in pairs],
            index=index,
            task=task,
        )

    @property
    def ahead(self) -> int:
        """Batches worth making in another thread while one is used: none where they are cut on a GPU."""
        return 2 if self.clean.device.type == "cpu" else 0

    def read(
        self,
        positions: NDArray[np.integer],
        generator: np.random.Generator,
        *,
        augmentation: Augmentation = NO_AUGMENTATION,
    ) -> Batch:
        """The sub-images at B positions of the index, on the device of the images.

        Args:
            positions: (B,) places in the index.
            generator: randomness of augmentation and of a random task.
            augmentation: how sub-images are varied.
        """
        index, count = self.index, len(positions)
        places = Places(
            image=index.image[positions],
            y=index.y[positions],
            x=index.x[positions],
            variant=generator.integers(VARIANTS, size=count) if augmentation.turn else np.zeros(count, dtype=np.int64),
            side=index.side,
        )
        clean = self.clean.cut(places.scaled(self.task.scale))
        degraded = self._degrade(clean, generator) if self.degraded is None else self.degraded.cut(places)
        if augmentation.shuffle_colours:
            order = generator.permuted(np.tile(np.arange(clean.shape[3]), (count, 1)), axis=1)
            orders = torch.from_numpy(order).to(clean.device)[:, None, None]  # (B, 1, 1, C)
            clean, degraded = (torch.take_along_dim(images, orders, dim=3) for images in (clean, degraded))
        return Batch(degraded=degraded.permute(0, 3, 1, 2), clean=clean.permute(0, 3, 1, 2))

    def _degrade(self, clean: Tensor, generator: np.random.Generator) -> Tensor:
        """Degraded versions (B, h, w, C) of clean sub-images (B, H, W, C)."""
        if isinstance(self.task, DegradesTensors):
            draw = torch.Generator(clean.device).manual_seed(int(generator.integers(2**63)))
            return self.task.degrade_tensors(clean.permute(0, 3, 1, 2), draw).permute(0, 2, 3, 1)
        made = [self.task.degrade(image, generator) for image in clean.cpu().numpy()]
        return torch.from_numpy(np.stack(made)).to(clean.device)

    def around(self, side: int) -> tuple[Self, NDArray[np.bool_]]:
        """Sub-images of another size with the same centres, moved inwards where they would leave the image.

        Returns:
            The sub-images, position by position, and (N,) which of them exist: those whose image is large enough.
        """
        index, shift = self.index, (self.index.side - side) // 2
        heights, widths = np.array(self.sizes)[index.image].T
        there = (heights >= side) & (widths >= side)
        y = np.clip(index.y + shift, 0, np.maximum(heights - side, 0)).astype(np.int32)
        x = np.clip(index.x + shift, 0, np.maximum(widths - side, 0)).astype(np.int32)
        return replace(self, index=replace(index, y=y, x=x, side=side)), there


def resident(
    pairs: Sequence[Pair], index: PatchIndex, task: BoundTask, *, device: torch.device, memory: int | None
) -> SubImages | None:
    """Sub-images of pairs that are taken into the memory of a device, or None where they do not fit.

    Args:
        pairs: clean and degraded images, mapped from files as a rule.
        index: where the sub-images lie.
        task: how clean sub-images become degraded ones.
        device: where batches are needed.
        memory: bytes that the images may take; None for no limit.
    """
    clean, degraded = _arrays_of(pairs)
    needed = sum(bytes_held(arrays, device) for arrays in (clean, degraded or []))
    if memory is not None and needed > memory:
        return None
    return SubImages(
        clean=hold(clean, device),
        degraded=None if degraded is None else hold(degraded, device),
        sizes=[pair.degraded_size(task.scale) for pair in pairs],
        index=index,
        task=task,
    )


def _arrays_of(pairs: Sequence[Pair]) -> tuple[list[NDArray[np.generic]], list[NDArray[np.generic]] | None]:
    degraded = [pair.degraded for pair in pairs if pair.degraded is not None]
    return [pair.clean for pair in pairs], degraded or None


def batches(
    sub_images: SubImages,
    *,
    chosen: NDArray[np.integer],
    batch: int,
    seed: int,
    augmentation: Augmentation,
) -> Callable[[int], Batch]:
    """The batch of each iteration over some of the sub-images.

    Args:
        sub_images: where they are cut from.
        chosen: positions in the index to draw from.
        batch: sub-images in a batch.
        seed: decides order and augmentation.
        augmentation: how sub-images are varied.
    """
    sampler = Sampler(count=len(chosen), batch=batch, seed=seed)

    def fetch(iteration: int) -> Batch:
        positions = chosen[sampler.positions(iteration)]
        return sub_images.read(positions, sampler.generator(iteration), augmentation=augmentation)

    return fetch


def as_tensor(images: NDArray[np.float32]) -> Tensor:
    """(B, H, W, C) array -> (B, C, H, W) channels_last tensor, over the same memory if that may be written to."""
    return torch.from_numpy(np.require(images, requirements="W")).permute(0, 3, 1, 2)


def as_array(images: Tensor) -> NDArray[np.float32]:
    """(B, C, H, W) tensor -> (B, H, W, C) array."""
    array: NDArray[np.float32] = images.permute(0, 2, 3, 1).cpu().numpy()
    return array
