"""An image in stripes of rows, so that memory does not grow with its height."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Stripe:
    """Rows top..bottom of an image, ends excluded, and rows first..last that have to be read for them."""

    top: int
    bottom: int
    first: int
    last: int

    @property
    def above(self) -> int:
        """Rows that are read only to be seen, at the top."""
        return self.top - self.first

    @property
    def below(self) -> int:
        """The same at the bottom."""
        return self.last - self.bottom


def cut_into_stripes(height: int, *, step: int, context: int) -> Iterator[Stripe]:
    """Stripes of ``step`` rows, seen with ``context`` rows around them as far as the image reaches."""
    for top in range(0, height, step):
        bottom = min(top + step, height)
        yield Stripe(top, bottom, max(top - context, 0), min(bottom + context, height))
