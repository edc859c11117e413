"""Batches of degraded and clean sub-images as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restoreroute.data.pairs import Pair
from restoreroute.data.patch_index import PatchIndex
from restoreroute.data.sampler import Sampler
from restoreroute.imaging.color import to_float
from restoreroute.spec.task import BoundTask

VARIANTS = 8  # four rotations, each flipped or not


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Sub-images in [0, 1], channels_last: degraded (B, C, h, w) and clean (B, C, H, W)."""

    degraded: Tensor
    clean: Tensor

    def to(self, device: torch.device) -> Self:
        return replace(self, degraded=self.degraded.to(device), clean=self.clean.to(device))


@dataclass(frozen=True, kw_only=True)
class SubImages:
    """The sub-images of an index, cut from pairs when they are asked for."""

    pairs: Sequence[Pair]
    index: PatchIndex
    task: BoundTask

    def read(
        self,
        positions: NDArray[np.integer],
        generator: np.random.Generator,
        *,
        augment: bool = False,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Degraded (B, h, w, C) and clean (B, H, W, C) sub-images in [0, 1].

        Args:
            positions: (B,) places in the index.
            generator: randomness of augmentation and of a random task.
            augment: whether to rotate and flip each sub-image at random.
        """
        variants = generator.integers(VARIANTS, size=len(positions)) if augment else np.zeros(len(positions), int)
        crops = [
            self._crop(int(position), int(variant), generator)
            for position, variant in zip(positions, variants, strict=True)
        ]
        # each on its own: images of 8 and of 16 bits may meet in one batch
        return np.stack([to_float(crop[0]) for crop in crops]), np.stack([to_float(crop[1]) for crop in crops])

    def _crop(
        self, position: int, variant: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
        index, scale = self.index, self.task.scale
        pair = self.pairs[index.image[position]]
        y, x, side = int(index.y[position]), int(index.x[position]), index.side
        clean = pair.clean[y * scale : (y + side) * scale, x * scale : (x + side) * scale]
        if pair.degraded is None:
            degraded = self.task.degrade(to_float(clean), generator)
        else:
            degraded = pair.degraded[y : y + side, x : x + side]
        return turned(degraded, variant), turned(clean, variant)


def turned(image: NDArray[np.generic], variant: int) -> NDArray[np.generic]:
    """One of the eight rotations and flips of an H x W x C image; 0 leaves it as it is."""
    rotated = np.rot90(image, variant % 4)
    return rotated[:, ::-1] if variant >= 4 else rotated


def batches(
    sub_images: SubImages,
    *,
    chosen: NDArray[np.integer],
    batch: int,
    seed: int,
    augment: bool,
) -> Callable[[int], Batch]:
    """The batch of each iteration over some of the sub-images.

    Args:
        sub_images: where they are cut from.
        chosen: positions in the index to draw from.
        batch: sub-images in a batch.
        seed: decides order and augmentation.
        augment: whether to rotate and flip.
    """
    sampler = Sampler(count=len(chosen), batch=batch, seed=seed)

    def fetch(iteration: int) -> Batch:
        positions = chosen[sampler.positions(iteration)]
        degraded, clean = sub_images.read(positions, sampler.generator(iteration), augment=augment)
        return Batch(degraded=as_tensor(degraded), clean=as_tensor(clean))

    return fetch


def as_tensor(images: NDArray[np.float32]) -> Tensor:
    """(B, H, W, C) array -> (B, C, H, W) channels_last tensor, over the same memory if that may be written to."""
    return torch.from_numpy(np.require(images, requirements="W")).permute(0, 3, 1, 2)
