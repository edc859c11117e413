"""How an image is cut into patches: which window a branch sees and which part of its output is kept.

All places are in degraded pixels.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """Rows top..bottom and columns left..right, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        return self.height * self.width

    def grown(self, halo: int, height: int, width: int) -> Box:
        """With ``halo`` pixels more at each side, as far as an image of that size reaches."""
        return Box(
            max(self.top - halo, 0),
            max(self.left - halo, 0),
            min(self.bottom + halo, height),
            min(self.right + halo, width),
        )

    def framed(self, halo: int, height: int, width: int) -> Box:
        """As :meth:`grown`, of the same size at the border of the image too, where it reaches further inwards."""
        tall, wide = min(self.height + 2 * halo, height), min(self.width + 2 * halo, width)
        top = min(max(self.top - halo, 0), height - tall)
        left = min(max(self.left - halo, 0), width - wide)
        return Box(top, left, top + tall, left + wide)

    def moved(self, rows: int, columns: int) -> Box:
        """Further down and to the right."""
        return Box(self.top + rows, self.left + columns, self.bottom + rows, self.right + columns)


Sides = tuple[int, int, int, int]
"""Pixels at the top, left, bottom and right."""


@dataclass(frozen=True)
class Tile:
    """One unit of routing: a branch runs on ``window``, and its output over ``inside`` is kept."""

    window: Box
    inside: Box

    @property
    def context(self) -> Sides:
        """Pixels of the window around the inside."""
        inside, window = self.inside, self.window
        return (
            inside.top - window.top,
            inside.left - window.left,
            window.bottom - inside.bottom,
            window.right - inside.right,
        )

    def moved(self, rows: int, columns: int) -> Tile:
        """Further down and to the right."""
        return Tile(window=self.window.moved(rows, columns), inside=self.inside.moved(rows, columns))


def classsr_tiles(height: int, width: int, *, patch: int, stride: int) -> list[Tile]:
    """The ``classsr`` protocol: patches from the top left, kept whole, row by row.

    What does not fill a patch at the right and bottom is not covered.

    Raises:
        ValueError: if the image is smaller than a patch.
    """
    if height < patch or width < patch:
        raise ValueError(
            f"the classsr protocol needs at least {patch} x {patch} degraded pixels, not {width} x {height}"
        )
    boxes = [
        Box(top, left, top + patch, left + patch)
        for top in range(0, height - patch + 1, stride)
        for left in range(0, width - patch + 1, stride)
    ]
    return [Tile(window=box, inside=box) for box in boxes]


def covered(tiles: list[Tile]) -> tuple[int, int]:
    """Height and width from the top left that tiles reach."""
    return max(tile.inside.bottom for tile in tiles), max(tile.inside.right for tile in tiles)


def cell_tiles(height: int, width: int, *, cell: int, halo: int) -> list[Tile]:
    """Cells that cover every pixel once, each seen with up to ``halo`` pixels of real image around it.

    Windows end at the border of the image, where a network pads as it does for the whole image.
    """
    cells = [
        Box(top, left, min(top + cell, height), min(left + cell, width))
        for top in range(0, height, cell)
        for left in range(0, width, cell)
    ]
    return [Tile(window=box.grown(halo, height, width), inside=box) for box in cells]
