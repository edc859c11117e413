"""How much a model should prefer cheap branches: the cheapest route that loses no more than a bound on some photos."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from restoreroute.inference.engine import crop, restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.tiles import Box
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, at_speed, decisive_speed, fixed
from restoreroute.spec.results import Preference, PreferenceCurve, PreferencePoint

LARGEST_SIDE = 1024
"""Of a larger photo its centre is measured, in degraded pixels: every branch runs over it in one pass."""
SPEEDS_EACH_WAY = 200
LEAST_ERROR = 1e-10
"""Mean squared error that counts as none; 100 dB."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The cells of one photo.

    Attributes:
        scores: (N, M) probability of each branch for each cell.
        errors: (N, M) squared error of each cell restored by each branch, summed over its pixels and channels.
        values: how many numbers the restored photo holds, over all channels.
    """

    scores: NDArray[np.floating]
    errors: NDArray[np.floating]
    values: int

    def psnr(self, route: Route) -> float:
        """PSNR in dB of the photo with each cell through its branch, (N,)."""
        error = self.errors[np.arange(len(route)), route].sum(dtype=np.float64) / self.values
        return -10 * math.log10(max(error, LEAST_ERROR))


def measure_preference(
    model: Model, images: Sequence[tuple[Tensor, Tensor]], *, progress: Callable[[int, int], None]
) -> PreferenceCurve:
    """The curve of a model on some photos; of large ones their centre (:data:`LARGEST_SIDE`).

    Args:
        model: with a Class-Module.
        images: degraded (C, h, w) and clean (C, H, W) in [0, 1], on the model's device.
        progress: called with the photos done and all photos.

    Raises:
        ValueError: for a model that routes nothing, or if there are no photos.
    """
    photos = []
    for done, (degraded, clean) in enumerate(images):
        progress(done, len(images))
        photos.append(measure_cells(model, degraded, clean))
    progress(len(images), len(images))
    return preference_curve(photos, model.routed_costs, full=model.costs[-1].executed)


def measure_cells(model: Model, degraded: Tensor, clean: Tensor) -> Cells:
    """Score the cells of one photo, and restore it by every branch as a whole: seamless routing gives these values.

    Args:
        degraded: (C, h, w) in [0, 1].
        clean: (C, H, W) in [0, 1].

    Raises:
        ValueError: for a model that routes nothing.
    """
    if model.class_module is None:
        raise ValueError("a model that routes nothing has no preference")
    scale, cell = model.branches.scale, model.stride
    centre = _centre(*degraded.shape[1:], side=LARGEST_SIDE)
    degraded, clean = crop(degraded, centre, 1), crop(clean, centre, scale)
    scores = score_cells(model.class_module, degraded, cell=cell, patch=model.patch)
    errors = [_errors(restore_whole(network, degraded), clean, side=cell * scale) for network in model.branches]
    return Cells(scores=scores.reshape(-1, len(model.branches)), errors=np.stack(errors, axis=1), values=clean.numel())


def preference_curve(photos: Sequence[Cells], costs: Sequence[float], *, full: float) -> PreferenceCurve:
    """Quality and cost of every preference that matters.

    Args:
        photos: at least one.
        costs: operations of a cell that is sent to each branch, Class-Module included; rising.
        full: operations of a cell that the full network, the last branch, restores without being asked.

    Raises:
        ValueError: if there are no photos.
    """
    if not photos:
        raise ValueError("a preference is measured on at least one photo")
    points: dict[tuple[float, float], PreferencePoint] = {}
    for speed in sorted(_speeds(decisive_speed(costs)), key=abs):
        routes = [at_speed(photo.scores, costs, speed) for photo in photos]
        psnr = _mean_psnr(photos, routes)
        share = float(np.asarray(costs, dtype=np.float64)[np.concatenate(routes)].mean() / full)
        points.setdefault((psnr, share), PreferencePoint(speed=speed, psnr=psnr, share=share))
    dearest = [fixed(len(costs) - 1, len(photo.scores)) for photo in photos]
    return PreferenceCurve(
        full=_mean_psnr(photos, dearest), points=tuple(sorted(points.values(), key=lambda point: point.speed))
    )


def choose(curve: PreferenceCurve, loss_db: float) -> Preference:
    """The cheapest point that is at most ``loss_db`` below the full network; of equally cheap ones the best.

    There always is one: the full network everywhere is a point of the curve.
    """
    within = [point for point in curve.points if point.psnr >= curve.full - loss_db]
    chosen = min(within, key=lambda point: (point.share, -point.psnr))
    return Preference(loss_db=loss_db, curve=curve, chosen=chosen)


def _speeds(reach: float) -> list[float]:
    """From ``-reach`` to ``reach``, close to each other around 0, where most probabilities decide."""
    places = np.linspace(-1, 1, 2 * SPEEDS_EACH_WAY + 1)
    speeds: list[float] = np.unique(np.round(reach * places * np.abs(places), 2) + 0.0).tolist()  # no -0.0
    return speeds


def _mean_psnr(photos: Sequence[Cells], routes: Sequence[Route]) -> float:
    return fmean(photo.psnr(route) for photo, route in zip(photos, routes, strict=True))


def _centre(height: int, width: int, *, side: int) -> Box:
    top, left = (max(0, (length - side) // 2) for length in (height, width))
    return Box(top, left, min(top + side, height), min(left + side, width))


def _errors(restored: Tensor, clean: Tensor, *, side: int) -> NDArray[np.float32]:
    """Squared error (N,) of each cell of ``side`` restored pixels, row by row; those at the border may be smaller."""
    squared = (restored.clamp(0, 1) - clean).square().sum(dim=0)
    height, width = squared.shape
    padded = functional.pad(squared, (0, -width % side, 0, -height % side))
    cells = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side)
    errors: NDArray[np.float32] = cells.sum(dim=(1, 3)).flatten().cpu().numpy()
    return errors
