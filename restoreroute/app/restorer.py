"""A loaded model that restores images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restoreroute.app.devices import choose_device
from restoreroute.app.models import find_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.data.sub_images import as_tensor
from restoreroute.imaging.alpha import REACH, fill_hidden
from restoreroute.imaging.color import from_float, grey_to_rgb, join_alpha, rgb_to_grey, split_alpha, to_float
from restoreroute.inference.engine import restore_cells
from restoreroute.inference.regions import BLOCK
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import TRAINED, Effort, Regions, choose_routes, halo_of, merge_cells
from restoreroute.inference.stripes import Stripe, cut_into_stripes
from restoreroute.inference.tiles import Tile
from restoreroute.reporting.overlay import paint_route
from restoreroute.routing.model_file import Model, load_model
from restoreroute.routing.policies import Route

ALPHA_CONTEXT = 2 * REACH
"""Rows around a stripe that decide which hidden colours a network sees there."""


def load_restorer(model: str | Path, *, device: str = "auto") -> Restorer:
    """Load a model for restoring.

    Args:
        model: the name of an installed one, or a model file.

    Raises:
        InputError: if there is no such model, the file is no model file, or the device does not exist.
        PluginError: if a plugin that it needs is missing.
    """
    chosen = choose_device(device)
    catalogue = open_catalogue()
    path = find_model(model, catalogue).model
    return Restorer(model=load_model(path, catalogue).to(chosen), device=chosen)


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A restored image and how it was routed.

    Attributes:
        image: as the input: grey, grey + alpha, RGB or RGBA; uint8, uint16 or float32 in [0, 1].
        tiles: what ran together, in pixels of the input.
        route: (N,) branch of each tile.
        cells: (rows, columns) branch that each cell got.
    """

    image: NDArray[Any]
    tiles: Sequence[Tile]
    route: Route
    cells: Route


@dataclass(frozen=True, kw_only=True)
class Restorer:
    """Restores arrays with one model, stripe by stripe.

    Attributes:
        model: the model.
        device: where it runs.
        blocks: height of a stripe in blocks of 8 cells; results do not depend on it, memory does.
    """

    model: Model
    device: torch.device
    blocks: int = 1

    @property
    def scale(self) -> int:
        """Side of the output over side of the input."""
        return self.model.branches.scale

    def restore(self, image: NDArray[Any], *, budget: float | None = None, speed: float = 0.0) -> NDArray[Any]:
        """Restore an image of any size from 1 x 1 up.

        Args:
            image: H x W, H x W x 1, H x W x 2 (with alpha), H x W x 3 or H x W x 4; uint8, uint16, or float in
                [0, 1].
            budget: share of the full network's operations to spend (:class:`~restoreroute.inference.seamless.Effort`).
            speed: how much cheap branches are preferred where there is no budget.

        Returns:
            The same kind of array with sides ``scale`` times as long.  Grey stays grey; alpha is interpolated.

        Raises:
            ValueError: for another shape or dtype.
            restoreroute.errors.InputError: for a budget that even the cheapest branch exceeds.
        """
        return self.restore_routed(image, effort=Effort(budget=budget, speed=speed)).image

    def restore_routed(
        self, image: NDArray[Any], *, effort: Effort = TRAINED, progress: Callable[[int, int], None] | None = None
    ) -> Restored:
        """As :meth:`restore`, with the route that was taken.

        Args:
            progress: called with the rows done and all rows, stripe by stripe.
        """
        if image.ndim not in (2, 3) or 0 in image.shape:
            raise ValueError(f"an image is H x W or H x W x C with at least one pixel, not {image.shape}")
        _, alpha = split_alpha(image)
        height, width = image.shape[:2]
        stripes = self._stripes(height)
        routes = self._routes(image, stripes, effort)
        dtype = np.float32 if np.issubdtype(image.dtype, np.floating) else image.dtype
        output = np.empty((height * self.scale, width * self.scale, *image.shape[2:]), dtype=dtype)
        found: list[Regions] = []
        for stripe in stripes:
            rows = slice(stripe.top // self.model.stride, -(-stripe.bottom // self.model.stride))
            regions = merge_cells(self.model, routes[rows], height, width, top=stripe.top)
            restored = self._color(image, stripe, regions)
            transparency = None if alpha is None else self._alpha(alpha, stripe)
            joined = join_alpha(restored, transparency)
            if image.ndim == 3 and joined.ndim == 2:
                joined = joined[:, :, None]
            place = output[stripe.top * self.scale : stripe.bottom * self.scale]
            place[:] = joined.clip(0, 1) if dtype == np.float32 else from_float(joined, dtype)
            found.append(regions)
            if progress is not None:
                progress(stripe.bottom, height)
        return Restored(
            image=output,
            tiles=[tile for regions in found for tile in regions.tiles],
            route=np.concatenate([regions.route for regions in found]),
            cells=np.concatenate([regions.cells for regions in found]),
        )

    def overlay(self, restored: Restored) -> NDArray[np.uint8]:
        """The routing map over the restored image, H x W x 3."""
        color, _ = split_alpha(restored.image)
        rgb = grey_to_rgb(color) if color.shape[2] == 1 else color
        return paint_route(
            from_float(to_float(rgb), np.uint8),
            restored.tiles,
            restored.route,
            scale=self.scale,
            branches=len(self.model.branches),
        )

    def _stripes(self, height: int) -> list[Stripe]:
        model = self.model
        context = max(halo_of(model), model.patch - model.stride, ALPHA_CONTEXT)
        return list(cut_into_stripes(height, step=self.blocks * BLOCK * model.stride, context=context))

    def _tensor(self, image: NDArray[Any], stripe: Stripe) -> Tensor:
        """The colours, (C, h, w) in [0, 1], of all rows that a stripe needs."""
        color, alpha = split_alpha(image[stripe.first : stripe.last])
        visible = color if alpha is None else fill_hidden(color, alpha)
        return as_tensor(np.ascontiguousarray(grey_to_rgb(to_float(visible)))[None])[0].to(self.device)

    def _routes(self, image: NDArray[Any], stripes: Sequence[Stripe], effort: Effort) -> Route:
        """(rows, columns) the branch of each cell, decided before any branch runs."""
        model = self.model
        height, width = image.shape[:2]
        if model.class_module is None:
            return np.zeros((-(-height // model.stride), -(-width // model.stride)), dtype=np.int64)
        scores = [
            score_cells(
                model.class_module,
                self._tensor(image, stripe),
                cell=model.stride,
                patch=model.patch,
                above=stripe.above,
                below=stripe.below,
            )
            for stripe in stripes
        ]
        return choose_routes(model, np.concatenate(scores), height, width, effort=effort)

    def _color(self, image: NDArray[Any], stripe: Stripe, regions: Regions) -> NDArray[np.float32]:
        """A stripe of the result, H x W x 1 or H x W x 3, not clipped."""
        tiles = [tile.moved(-stripe.first) for tile in regions.tiles]
        whole = restore_cells(self.model.branches, self._tensor(image, stripe), tiles, regions.route)
        kept = whole[:, stripe.above * self.scale : whole.shape[1] - stripe.below * self.scale]
        restored: NDArray[np.float32] = kept.permute(1, 2, 0).cpu().numpy()
        return rgb_to_grey(restored) if split_alpha(image)[0].shape[2] == 1 else restored

    def _alpha(self, alpha: NDArray[Any], stripe: Stripe) -> NDArray[np.float32]:
        """A stripe of the interpolated alpha, H x W x 1."""
        whole = self.model.task.bound.interpolate(to_float(alpha[stripe.first : stripe.last]))
        return whole[stripe.above * self.scale : len(whole) - stripe.below * self.scale]
