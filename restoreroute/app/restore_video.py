"""Restore video files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restoreroute.app.restorer import Restorer
from restoreroute.imaging.video import Frame, VideoReader, write_video
from restoreroute.inference.seamless import Effort
from restoreroute.routing.policies import shares


@dataclass(frozen=True, kw_only=True)
class RestoredVideo:
    """What became of a video.

    Attributes:
        shares: of the cells per branch, over all frames.
        pixels: of the result, over all frames.
    """

    shares: tuple[float, ...]
    pixels: int


def restore_video(
    restorer: Restorer, source: Path, target: Path, *, effort: Effort, progress: Callable[[int, int], None]
) -> RestoredVideo:
    """Restore a video frame by frame, each routed by itself; its rate and its sound stay.

    Args:
        effort: how much to spend on each frame.
        progress: called with the frames done and all.

    Raises:
        InputError: for a file that is no video, or a budget that even the cheapest branch exceeds.
        OutputError: if the result can't be written.
    """
    found: list[tuple[float, ...]] = []
    pixels = 0

    def restored(frames: VideoReader) -> Iterator[Frame]:
        nonlocal pixels
        for frame in frames:
            rows = restorer.restore_routed(frame, effort=effort)
            found.append(shares(rows.cells, len(restorer.model.branches)))
            pixels += rows.pixels.shape[0] * rows.pixels.shape[1]
            yield rows.pixels
            progress(len(found), max(frames.facts.frames, len(found)))

    with VideoReader(source) as frames:
        write_video(target, restored(frames), like=frames)
    return RestoredVideo(shares=tuple(np.mean(found, axis=0).tolist()), pixels=pixels)
