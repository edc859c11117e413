"""The two evaluation protocols; figures of one are never compared with figures of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from restoreroute.errors import InputError
from restoreroute.imaging.color import from_float, rgb_to_y
from restoreroute.imaging.metrics import psnr, ssim
from restoreroute.inference.engine import classify, restore_cells, restore_classsr, restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Planner, Regions
from restoreroute.inference.tiles import Tile, cell_tiles, classsr_tiles
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, fixed
from restoreroute.spec.results import Quality

PEAK = 255.0
SMALLEST_FOR_SSIM = 11


class EvaluationProtocol(Protocol):
    """How an image is tiled, put together, and compared."""

    name: ClassVar[str]

    def tiles(self, height: int, width: int) -> list[Tile]:
        """Units of routing for a degraded image."""
        ...

    def score(self, class_module: ClassModule, image: Tensor, tiles: list[Tile]) -> NDArray[np.float32]:
        """Probability of each branch for each tile of an image (C, h, w), (N, M)."""
        ...

    def merge(self, model: Model, image: Tensor, route: Route) -> Regions | None:
        """What runs together where tiles of a route may be merged; None where they may not."""
        ...

    def restore_routed(self, branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> Tensor:
        """(C, h, w) -> (C, H, W) in [0, 1], each tile through its branch."""
        ...

    def restore_single(self, network: nn.Module, image: Tensor, tiles: list[Tile], scale: int) -> Tensor:
        """(C, h, w) -> (C, H, W) in [0, 1], all of it through one network."""
        ...

    def single_is_tiled(self) -> bool:
        """Whether one network alone runs over the tiles too, and so pays for their overlap."""
        ...

    def quality(self, restored: NDArray[np.floating], clean: NDArray[np.floating]) -> Quality:
        """Compare an H x W x C result in [0, 1] with its clean image, which may be larger at right and bottom."""
        ...


@dataclass(frozen=True, kw_only=True)
class ClasssrProtocol:
    """The paper's: patches, remainder cut off, overlaps averaged, PSNR-RGB on values not rounded again.

    Attributes:
        patch: side of a patch in degraded pixels; 32 in the paper.
        stride: distance of two patches; 28 in the paper.
        crop_border: clean pixels dropped at each side; 4 in the paper.
    """

    name: ClassVar[str] = "classsr"
    patch: int
    stride: int
    crop_border: int = 4

    def tiles(self, height: int, width: int) -> list[Tile]:
        return classsr_tiles(height, width, patch=self.patch, stride=self.stride)

    def score(self, class_module: ClassModule, image: Tensor, tiles: list[Tile]) -> NDArray[np.float32]:
        return classify(class_module, image, tiles)

    def merge(self, model: Model, image: Tensor, route: Route) -> Regions | None:
        return None

    def restore_routed(self, branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> Tensor:
        return restore_classsr(branches, image, tiles, route)

    def restore_single(self, network: nn.Module, image: Tensor, tiles: list[Tile], scale: int) -> Tensor:
        return restore_classsr(BranchBank([network], scale=scale), image, tiles, fixed(0, len(tiles)))

    def single_is_tiled(self) -> bool:
        return True

    def quality(self, restored: NDArray[np.floating], clean: NDArray[np.floating]) -> Quality:
        covered = clean[: restored.shape[0], : restored.shape[1]]
        return compare(restored * PEAK, covered * PEAK, crop_border=self.crop_border)


@dataclass(frozen=True, kw_only=True)
class WholeProtocol:
    """Exact size, 8-bit images, everything counted; one network alone runs over the whole image in one pass.

    Attributes:
        patch: side of the patch that the Class-Module was trained on, in degraded pixels.
        cell: side of a unit of routing; it is seen with (patch - cell) / 2 pixels around it.
        crop_border: clean pixels dropped at each side.
    """

    name: ClassVar[str] = "whole"
    patch: int
    cell: int
    crop_border: int

    def tiles(self, height: int, width: int) -> list[Tile]:
        return cell_tiles(height, width, cell=self.cell, halo=(self.patch - self.cell) // 2)

    def score(self, class_module: ClassModule, image: Tensor, tiles: list[Tile]) -> NDArray[np.float32]:
        scores = score_cells(class_module, image, cell=self.cell, patch=self.patch)
        return scores.reshape(-1, scores.shape[-1])

    def merge(self, model: Model, image: Tensor, route: Route) -> Regions | None:
        height, width = image.shape[1:]
        return Planner.by_operations(model).merge(route.reshape(-(-height // self.cell), -1), height, width)

    def restore_routed(self, branches: BranchBank, image: Tensor, tiles: Sequence[Tile], route: Route) -> Tensor:
        return restore_cells(branches, image, tiles, route)

    def restore_single(self, network: nn.Module, image: Tensor, tiles: list[Tile], scale: int) -> Tensor:
        return restore_whole(network, image)

    def single_is_tiled(self) -> bool:
        return False

    def quality(self, restored: NDArray[np.floating], clean: NDArray[np.floating]) -> Quality:
        eight_bits = np.dtype(np.uint8)
        return compare(from_float(restored, eight_bits), from_float(clean, eight_bits), crop_border=self.crop_border)


def make_protocol(name: str, *, patch: int, stride: int, crop_border: int) -> EvaluationProtocol:
    """The protocol of that name.

    Raises:
        InputError: for an unknown name.
    """
    if name == ClasssrProtocol.name:
        return ClasssrProtocol(patch=patch, stride=stride)
    if name == WholeProtocol.name:
        return WholeProtocol(patch=patch, cell=stride, crop_border=crop_border)
    raise InputError(f"unknown evaluation protocol {name!r}", hint="known: classsr, whole")


def require_size(protocol: EvaluationProtocol, size: tuple[int, int], where: str) -> None:
    """Refuse a degraded image (height, width) that a protocol can't measure.

    Raises:
        InputError: naming ``where`` it is from.
    """
    if isinstance(protocol, ClasssrProtocol) and min(size) < protocol.patch:
        raise InputError(
            f"has {size[1]} x {size[0]} degraded pixels, less than one patch of {protocol.patch}",
            where=where,
            hint="leave it out, or use the 'whole' protocol",
        )


def compare(restored: NDArray[np.number], clean: NDArray[np.number], *, crop_border: int) -> Quality:
    """Quality of an image on 0..255 of the same size as its clean one."""
    color = clean.shape[2] == 3
    lumas = (rgb_to_y(restored), rgb_to_y(clean)) if color else (restored, clean)
    large_enough = min(clean.shape[:2]) - 2 * crop_border >= SMALLEST_FOR_SSIM
    return Quality(
        psnr_rgb=psnr(restored, clean, data_range=PEAK, crop_border=crop_border),
        psnr_y=psnr(*lumas, data_range=PEAK, crop_border=crop_border) if color else None,
        ssim=ssim(*lumas, data_range=PEAK, crop_border=crop_border) if large_enough else None,
    )
