"""An image in rows of areas, so that memory grows neither with its height nor, but for a row of results, its width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from restoreroute.inference.tiles import Box


@dataclass(frozen=True)
class Area:
    """A part of an image that is restored at once, and what has to be seen for it."""

    inside: Box
    seen: Box

    @property
    def kept(self) -> Box:
        """``inside`` counted from the corner of ``seen``."""
        return self.inside.moved(-self.seen.top, -self.seen.left)


@dataclass(frozen=True)
class AreaRow:
    """Areas side by side.

    Attributes:
        top: first row that they restore.
        bottom: end of these rows.
        first: first row that has to be read for them.
        last: end of these rows.
    """

    top: int
    bottom: int
    first: int
    last: int
    areas: Sequence[Area]


def cut_into_areas(height: int, width: int, *, rows: int, columns: int, context: int) -> Iterator[AreaRow]:
    """Areas of ``rows`` x ``columns`` pixels, seen with ``context`` pixels around them as far as the image reaches."""
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        boxes = [Box(top, left, bottom, min(left + columns, width)) for left in range(0, width, columns)]
        areas = [Area(box, box.grown(context, height, width)) for box in boxes]
        yield AreaRow(top, boxes[0].bottom, areas[0].seen.top, areas[0].seen.bottom, areas)
