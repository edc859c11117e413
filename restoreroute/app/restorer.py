"""A loaded model that restores images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restoreroute.app.devices import choose_device
from restoreroute.app.models import find_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.prices import kept_seconds
from restoreroute.app.runtimes import TORCH, load_on_runtime
from restoreroute.data.sub_images import as_tensor
from restoreroute.errors import InputError
from restoreroute.imaging.alpha import REACH, fill_hidden
from restoreroute.imaging.color import from_float, grey_to_rgb, rgb_to_grey, split_alpha, to_float
from restoreroute.imaging.rows import ArrayRows, ImageRows
from restoreroute.inference.areas import Area, AreaRow, cut_into_areas
from restoreroute.inference.calibration import Seconds, planner_by_seconds
from restoreroute.inference.engine import crop, place, run_tiles
from restoreroute.inference.pages import own_pages
from restoreroute.inference.pixels import as_pixels
from restoreroute.inference.regions import BLOCK
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import TRAINED, Effort, Planner, Regions
from restoreroute.inference.tiles import Tile
from restoreroute.reporting.overlay import paint_route
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route
from restoreroute.spec.events import Listener, ignore

Progress = Callable[[int, int], None]

BROAD, NARROW = 8, 2
"""Blocks side by side in an area: fewer where a row of results is wide, so that both together take as much memory."""
WIDE = 16
"""Blocks side by side in an image from which on it counts as wide."""
ALPHA_CONTEXT = 2 * REACH
"""Pixels around an area that decide which hidden colours a network sees there."""


def load_restorer(
    model: str | Path, *, device: str = "auto", runtime: str = TORCH, listen: Listener = ignore
) -> Restorer:
    """Load a model for restoring.

    Args:
        model: the name of an installed one, or a model file.
        runtime: what runs the branches, as ``restoreroute list`` names it.
        listen: hears where memory was short.

    Raises:
        InputError: if there is no such model, the file is no model file, the device does not exist, or the runtime
            does not run on it or lacks a package.
        UnknownNameError: if no plugin offers the runtime.
        PluginError: if a plugin that it needs is missing.
    """
    chosen = choose_device(device)
    catalogue = open_catalogue()
    path = find_model(model, catalogue).model
    loaded = load_on_runtime(path, catalogue, chosen, runtime)
    return Restorer(model=loaded, device=chosen, seconds=kept_seconds(path, chosen, runtime), listen=listen)


@dataclass(frozen=True, kw_only=True)
class RestoredRows:
    """Some rows of a restored image and how they were routed.

    Attributes:
        pixels: as the input: grey, grey + alpha, RGB or RGBA; uint8, uint16 or float32 in [0, 1].
        tiles: what ran together, in pixels of the whole input.
        route: (N,) branch of each tile.
        cells: (rows, columns) branch that each cell got.
    """

    pixels: NDArray[Any]
    tiles: Sequence[Tile]
    route: Route
    cells: Route


@dataclass(frozen=True, kw_only=True)
class Restorer:
    """Restores images with one model, area by area.

    Attributes:
        model: the model.
        device: where it runs.
        seconds: how long regions take on this machine, where it was measured; they are cut accordingly.
        blocks: rows and columns of an area in blocks of 8 x 8 cells; memory depends on it, results do not.  None
            chooses.
        listen: hears where memory was short.
    """

    model: Model
    device: torch.device
    seconds: Seconds | None = None
    blocks: tuple[int, int] | None = None
    listen: Listener = ignore

    def planner(self, effort: Effort) -> Planner:
        """Decides which branch restores what: by operations where these are limited or no times are known.

        Raises:
            InputError: for a limit in seconds where no times are known, or anything that is to decide over a single
                network.
        """
        if self.model.class_module is None and effort != TRAINED:
            raise InputError(
                "the model is a single network: a budget, a time or a preference has nothing to decide",
                hint="leave it out, or use a routed model",
            )
        if effort.budget is None and self.seconds is not None:
            return self._by_seconds
        if effort.seconds is not None:
            raise InputError("no times are known for this model on this machine", hint="restoreroute calibrate MODEL")
        return self._by_operations

    @cached_property
    def _by_operations(self) -> Planner:
        return Planner.by_operations(self.model)

    @cached_property
    def _by_seconds(self) -> Planner:
        if self.seconds is None:
            raise ValueError("no times were measured")
        return planner_by_seconds(self.model, self.seconds)

    @property
    def scale(self) -> int:
        """Side of the output over side of the input."""
        return self.model.branches.scale

    def restore(self, image: NDArray[Any], *, budget: float | None = None, speed: float | None = None) -> NDArray[Any]:
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
            restoreroute.errors.InputError: for a budget that even the cheapest branch exceeds, or any of a
                single network.
        """
        return self.restore_routed(image, effort=Effort(budget=budget, speed=speed)).pixels

    def restore_routed(
        self, image: NDArray[Any], *, effort: Effort = TRAINED, progress: Progress | None = None
    ) -> RestoredRows:
        """As :meth:`restore`, with the route that was taken.

        Args:
            progress: called with the rows done and all rows.
        """
        source = ArrayRows(image)
        rows = self.restore_rows(source, effort=effort, progress=progress)
        return together(rows, len(image) * self.scale)

    def restore_rows(
        self, source: ImageRows, *, effort: Effort = TRAINED, progress: Progress | None = None
    ) -> Iterator[RestoredRows]:
        """Restore an image that need not be in memory, from top to bottom.

        The source is read twice: all routes are decided before any branch runs.

        Args:
            progress: called with the rows done and all rows.

        Raises:
            ValueError: for another shape or dtype than :meth:`restore` takes.
            restoreroute.errors.InputError: for a budget that even the cheapest branch exceeds, or any of a
                single network.
        """
        if len(source.shape) not in (2, 3) or 0 in source.shape:
            raise ValueError(f"an image is H x W or H x W x C with at least one pixel, not {source.shape}")
        height, width = source.shape[:2]
        stride = self.model.stride
        planner = self.planner(effort)
        # windows at the border of the image may reach twice as far inwards
        context = max(2 * planner.halo, self.model.patch - stride, ALPHA_CONTEXT)
        side = BLOCK * stride
        rows, columns = self.blocks or (1, NARROW if width > WIDE * side else BROAD)
        cut = list(cut_into_areas(height, width, rows=rows * side, columns=columns * side, context=context))
        routes = self._routes(source, cut, planner, effort)
        for row in cut:
            yield self._row(source, row, planner, routes)
            if progress is not None:
                progress(row.bottom, height)

    def overlay(self, restored: RestoredRows) -> NDArray[np.uint8]:
        """The routing map over a whole restored image, H x W x 3."""
        color, _ = split_alpha(restored.pixels)
        rgb = grey_to_rgb(color) if color.shape[2] == 1 else color
        return paint_route(
            from_float(to_float(rgb), np.uint8),
            restored.tiles,
            restored.route,
            scale=self.scale,
            branches=len(self.model.branches),
        )

    def _routes(self, source: ImageRows, cut: Sequence[AreaRow], planner: Planner, effort: Effort) -> Route:
        """(rows, columns) the branch of each cell, decided before any branch runs."""
        model = self.model
        height, width = source.shape[:2]
        if model.class_module is None:
            return np.zeros((-(-height // model.stride), -(-width // model.stride)), dtype=np.int64)
        scores = []
        for row in cut:
            read = source.read(row.first, row.last)
            judged = [
                score_cells(
                    model.class_module,
                    self._tensor(read[:, area.seen.left : area.seen.right]),
                    cell=model.stride,
                    patch=model.patch,
                    inside=area.kept,
                )
                for area in row.areas
            ]
            scores.append(np.concatenate(judged, axis=1))
        return planner.route(np.concatenate(scores), height, width, effort=effort)

    def _row(self, source: ImageRows, row: AreaRow, planner: Planner, routes: Route) -> RestoredRows:
        """A row of areas."""
        height, width = source.shape[:2]
        stride, scale = self.model.stride, self.scale
        read = source.read(row.first, row.last)
        dtype = np.float32 if np.issubdtype(read.dtype, np.floating) else read.dtype
        pixels = own_pages(((row.bottom - row.top) * scale, width * scale, *read.shape[2:]), dtype)
        found = []
        for area in row.areas:
            top, left, right = area.inside.top, area.inside.left, area.inside.right
            cells = routes[top // stride : -(-row.bottom // stride), left // stride : -(-right // stride)]
            regions = planner.merge(cells, height, width, top=top, left=left)
            seen = read[:, area.seen.left : area.seen.right]
            self._area(seen, area, regions, pixels[:, left * scale : right * scale])
            found.append(regions)
        return RestoredRows(
            pixels=pixels,
            tiles=[tile for regions in found for tile in regions.tiles],
            route=np.concatenate([regions.route for regions in found]),
            cells=np.concatenate([regions.cells for regions in found], axis=1),
        )

    def _tensor(self, seen: NDArray[Any]) -> Tensor:
        """The colours of what is seen, (C, h, w) in [0, 1]."""
        color, alpha = split_alpha(seen)
        visible = color if alpha is None else fill_hidden(color, alpha)
        return as_tensor(np.ascontiguousarray(grey_to_rgb(to_float(visible)))[None])[0].to(self.device)

    def _area(self, seen: NDArray[Any], area: Area, regions: Regions, result: NDArray[Any]) -> None:
        """Fill an area of the result, in the type and channels of the input."""
        scale = self.scale
        color, alpha = split_alpha(result)
        tiles = [tile.moved(-area.seen.top, -area.seen.left) for tile in regions.tiles]
        found = run_tiles(self.model.branches, self._tensor(seen), tiles, regions.route, listen=self.listen)
        for position, output in found:
            inside = regions.tiles[position].inside.moved(-area.inside.top, -area.inside.left)
            place(color, _grey(output) if color.shape[2] == 1 else output, inside, scale)
        if alpha is not None:
            interpolated = self.model.task.bound.interpolate(to_float(seen[:, :, -1:]))
            kept = crop(interpolated.transpose(2, 0, 1), area.kept, scale).transpose(1, 2, 0)
            alpha[:] = as_pixels(torch.from_numpy(kept), alpha.dtype)


def _grey(restored: Tensor) -> Tensor:
    """(3, H, W) -> (1, H, W)."""
    return torch.from_numpy(rgb_to_grey(restored.permute(1, 2, 0).cpu().numpy())).permute(2, 0, 1)


def together(parts: Iterable[RestoredRows], height: int) -> RestoredRows:
    """All rows as one image of that height, which is in memory once."""
    pixels: NDArray[Any] = np.empty(0)
    found: list[RestoredRows] = []
    top = 0
    for rows in parts:
        if not found:
            pixels = np.empty((height, *rows.pixels.shape[1:]), dtype=rows.pixels.dtype)
        pixels[top : top + len(rows.pixels)] = rows.pixels
        top += len(rows.pixels)
        found.append(replace(rows, pixels=rows.pixels[:0].copy()))
    return RestoredRows(
        pixels=pixels,
        tiles=[tile for rows in found for tile in rows.tiles],
        route=np.concatenate([rows.route for rows in found]),
        cells=np.concatenate([rows.cells for rows in found]),
    )
