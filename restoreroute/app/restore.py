"""Restore image and video files."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restoreroute.app.restore_outputs import plan_outputs
from restoreroute.app.restore_video import restore_video
from restoreroute.app.restorer import RestoredRows, Restorer, load_restorer, together
from restoreroute.app.runtimes import TORCH
from restoreroute.errors import InputError, OutputError, RestorerouteError
from restoreroute.imaging.io import read_picture, require_writable, write_image
from restoreroute.imaging.metadata import Metadata, read_tiff_metadata
from restoreroute.imaging.rows import ArrayRows, ImageRows
from restoreroute.imaging.tiff_rows import TiffRows, is_plain_tiff, write_tiff_rows
from restoreroute.imaging.video import VIDEO_SUFFIXES
from restoreroute.inference.memory import free_memory
from restoreroute.inference.seamless import TRAINED, Effort
from restoreroute.routing.policies import Route, shares
from restoreroute.spec.events import Listener, WorkProgress, ignore

ROUTE_SUFFIX = ".route.png"
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
GIBIBYTE = 2**30
COPIES = 2
"""The pixels of a result are in memory as an array and, encoded, a second time."""
WORKING_BYTES = GIBIBYTE // 2
"""What restoring takes whatever the size of the image."""


class Existing(Enum):
    """What to do with results that are there already."""

    REFUSE = "refuse"
    REPLACE = "replace"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class RestoredFile:
    """What became of one input.

    Attributes:
        output: where the result lies; None where the input failed.
        skipped: the result was there before, and nothing was done.
        shares: of the cells per branch.
        megapixels: of the result.
        seconds: from reading to written.
        error: why it failed, or None.
    """

    source: Path
    output: Path | None = None
    skipped: bool = False
    shares: tuple[float, ...] = ()
    megapixels: float = 0.0
    seconds: float = 0.0
    error: RestorerouteError | None = None


def restore_files(
    model: str | Path,
    inputs: Sequence[Path],
    output: Path | None = None,
    *,
    effort: Effort = TRAINED,
    route_map: bool = False,
    existing: Existing = Existing.REFUSE,
    device: str = "auto",
    runtime: str = TORCH,
    listen: Listener = ignore,
) -> Iterator[RestoredFile]:
    """Restore files and folders, one result at a time; a bad file stops nobody else.

    Results are written whole or not at all, so a call that was stopped goes on with ``Existing.SKIP``.

    Args:
        model: the name of an installed model, or a model file.
        inputs: images, videos, patterns such as ``*.png``, and folders of images (at any depth, mirrored below
            ``output``).
        output: a file for one input, or a folder; if not given, beside each input
            (:func:`~restoreroute.app.restore_outputs.beside`).
        effort: how much to spend on each image or frame.
        route_map: write the routing map beside each image.
        existing: what to do with results that are there already.
        runtime: what runs the branches.
        listen: hears how many rows of an image, or frames of a video, are done, and where memory
            was short.

    Raises:
        InputError: before any work, if an input does not exist or several images would go to one file.
    """
    restorer = load_restorer(model, device=device, runtime=runtime, listen=listen)
    for source, target in plan_outputs(inputs, output, scale=restorer.scale):
        map_path = target.with_name(target.name + ROUTE_SUFFIX) if route_map else None
        there = [path for path in (target, map_path) if path is not None and path.exists()]
        try:
            if existing is Existing.SKIP and target in there:
                yield RestoredFile(source=source, output=target, skipped=True)
            elif existing is Existing.REFUSE and there:
                raise InputError(
                    "exists already", where=str(there[0]), hint="--force replaces it, --skip-done skips it"
                )
            else:
                restore = _restore_video if source.suffix.lower() in VIDEO_SUFFIXES else _restore_image
                yield restore(restorer, source, target, map_path, effort=effort, listen=listen)
        except RestorerouteError as error:
            error.where = error.where or str(source)
            yield RestoredFile(source=source, error=error)
        except MemoryError:
            shortage = RestorerouteError("there is not enough memory for this image", where=str(source))
            yield RestoredFile(source=source, error=shortage)


def _restore_image(
    restorer: Restorer, source: Path, target: Path, map_path: Path | None, *, effort: Effort, listen: Listener
) -> RestoredFile:
    start = time.monotonic()

    def progress(done: int, total: int) -> None:
        listen(WorkProgress(step=source.name, done=done, total=total))

    with _opened(source) as (image, metadata):
        height, width = (side * restorer.scale for side in image.shape[:2])
        shape = (height, width, *image.shape[2:])
        require_writable(target, shape, image.dtype)
        by_tiles = target.suffix.lower() in TIFF_SUFFIXES and map_path is None
        if not by_tiles:
            require_memory(shape, image.dtype, where=str(source))
        _make_folder(target.parent)
        parts = restorer.restore_rows(image, effort=effort, progress=progress)
        if by_tiles:
            cells: list[Route] = []
            pixels = _pixels_of(parts, cells)
            write_tiff_rows(target, pixels, shape=shape, dtype=image.dtype, metadata=metadata)
            got = np.concatenate(cells)
        else:
            restored = together(parts, height)
            if map_path is not None:  # first, so that a result that is there is complete
                write_image(map_path, restorer.overlay(restored))
            write_image(target, restored.pixels, metadata)
            got = restored.cells
    return RestoredFile(
        source=source,
        output=target,
        shares=shares(got, len(restorer.model.branches)),
        megapixels=height * width / 1e6,
        seconds=time.monotonic() - start,
    )


def _restore_video(
    restorer: Restorer, source: Path, target: Path, map_path: Path | None, *, effort: Effort, listen: Listener
) -> RestoredFile:
    start = time.monotonic()
    if map_path is not None:
        raise InputError("routing maps are of images, not of videos", where=str(source), hint="leave out --route-map")
    if target.suffix.lower() not in VIDEO_SUFFIXES:
        raise InputError(
            "a video is written to a video file",
            where=str(target),
            hint=f"choose one of {' '.join(sorted(VIDEO_SUFFIXES))}",
        )
    _make_folder(target.parent)
    video = restore_video(
        restorer,
        source,
        target,
        effort=effort,
        progress=lambda done, total: listen(WorkProgress(step=source.name, done=done, total=total)),
    )
    return RestoredFile(
        source=source,
        output=target,
        shares=video.shares,
        megapixels=video.pixels / 1e6,
        seconds=time.monotonic() - start,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't be made: {error.strerror}", where=str(folder)) from error


@contextmanager
def _opened(source: Path) -> Iterator[tuple[ImageRows, Metadata]]:
    """An image and its metadata; of a plain TIFF file only what is asked for is in memory."""
    if is_plain_tiff(source):
        with TiffRows(source) as rows:
            yield rows, read_tiff_metadata(source)
    else:
        picture = read_picture(source)
        yield ArrayRows(picture.pixels), picture.metadata


def _pixels_of(parts: Iterable[RestoredRows], cells: list[Route]) -> Iterator[NDArray[Any]]:
    """The pixels of restored rows; their cells are added to a list on the way."""
    for rows in parts:
        cells.append(rows.cells)
        yield rows.pixels
        del rows  # before the next ones are made


def require_memory(shape: Sequence[int], dtype: np.dtype[Any], *, where: str) -> None:
    """Refuse a result that would not fit into memory, before any work is done.

    Raises:
        InputError: where the system tells how much is free, and it is too little.
    """
    needed = COPIES * math.prod(shape) * dtype.itemsize + WORKING_BYTES
    free = free_memory()
    if free is not None and needed > free:
        size = f"{shape[1]} x {shape[0]}"
        raise InputError(
            f"a result of {size} needs some {needed / GIBIBYTE:.1f} GiB of memory, {free / GIBIBYTE:.1f} GiB are free",
            where=where,
            hint="restore to a .tif without a routing map: it is written tile by tile",
        )
