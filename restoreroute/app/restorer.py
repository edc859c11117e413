"""A loaded model that restores images."""

from __future__ import annotations

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
from restoreroute.imaging.color import from_float, grey_to_rgb, join_alpha, rgb_to_grey, split_alpha, to_float
from restoreroute.inference.engine import restore_cells
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Regions, merge_cells
from restoreroute.reporting.overlay import paint_route
from restoreroute.routing.model_file import Model, load_model
from restoreroute.routing.policies import argmax


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
        regions: what ran through which branch, in pixels of the input.
    """

    image: NDArray[Any]
    regions: Regions


@dataclass(frozen=True, kw_only=True)
class Restorer:
    """Restores arrays with one model.

    Attributes:
        model: the model.
        device: where it runs.
    """

    model: Model
    device: torch.device

    @property
    def scale(self) -> int:
        """Side of the output over side of the input."""
        return self.model.branches.scale

    def restore(self, image: NDArray[Any]) -> NDArray[Any]:
        """Restore an image of any size from 1 x 1 up.

        Args:
            image: H x W, H x W x 1, H x W x 2 (with alpha), H x W x 3 or H x W x 4; uint8, uint16, or float in
                [0, 1].

        Returns:
            The same kind of array with sides ``scale`` times as long.  Grey stays grey; alpha is interpolated.

        Raises:
            ValueError: for another shape or dtype.
        """
        return self.restore_routed(image).image

    def restore_routed(self, image: NDArray[Any]) -> Restored:
        """As :meth:`restore`, with the route that was taken."""
        if image.ndim not in (2, 3) or 0 in image.shape:
            raise ValueError(f"an image is H x W or H x W x C with at least one pixel, not {image.shape}")
        color, alpha = split_alpha(image)
        grey = color.shape[2] == 1
        degraded = to_float(grey_to_rgb(color) if grey else color)
        tensor = as_tensor(np.ascontiguousarray(degraded)[None])[0].to(self.device)

        regions = self._route(tensor)
        whole = restore_cells(self.model.branches, tensor, regions.tiles, regions.route)
        restored = whole.permute(1, 2, 0).cpu().numpy()

        output = rgb_to_grey(restored) if grey else restored
        transparency = None if alpha is None else self.model.task.bound.interpolate(to_float(alpha))
        joined = join_alpha(output, transparency)
        if image.ndim == 3 and joined.ndim == 2:
            joined = joined[:, :, None]
        return Restored(image=self._as_input(joined, image.dtype), regions=regions)

    def _route(self, image: Tensor) -> Regions:
        """Which branch restores what of an image (C, h, w)."""
        model = self.model
        height, width = image.shape[1:]
        if model.class_module is None:
            routes = np.zeros((-(-height // model.stride), -(-width // model.stride)), dtype=np.int64)
        else:
            scores = score_cells(model.class_module, image, cell=model.stride, patch=model.patch)
            routes = argmax(scores)
        return merge_cells(model, routes, height, width)

    def overlay(self, restored: Restored) -> NDArray[np.uint8]:
        """The routing map over the restored image, H x W x 3."""
        color, _ = split_alpha(restored.image)
        rgb = grey_to_rgb(color) if color.shape[2] == 1 else color
        return paint_route(
            from_float(to_float(rgb), np.uint8),
            restored.regions.tiles,
            restored.regions.route,
            scale=self.scale,
            branches=len(self.model.branches),
        )

    @staticmethod
    def _as_input(image: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
        if np.issubdtype(dtype, np.floating):
            return image.clip(0, 1)
        return from_float(image, dtype)
