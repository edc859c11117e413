"""Where clean images come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restoreroute.spec.offering import Offering


@dataclass(frozen=True, kw_only=True)
class DataSource(Offering[Sequence[Path]]):
    """A source that recipes can name.  ``build(options)`` gives the files of its clean images, in a fixed order.

    It raises :class:`restoreroute.errors.InputError` where there are none.
    """

    kind = "data source"
