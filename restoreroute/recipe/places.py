"""Where each key and each value of a recipe was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from restoreroute.errors import Problem

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """A path of keys as messages show it: ``branches.0.width``."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True)
class Place:
    """A file with line and column from 1, or a source that has neither."""

    source: str
    line: int | None = None
    column: int | None = None

    def problem(self, message: str, path: Path = ()) -> Problem:
        return Problem(message, path, self.source, self.line, self.column)


@dataclass(frozen=True)
class Places:
    """Places by path.  A path without a place of its own has that of the nearest key above it.

    Attributes:
        source: the place of everything that has no other.
        values: where values begin.
        keys: where keys begin; list items have none.
    """

    source: Place
    values: Mapping[Path, Place] = field(default_factory=dict)
    keys: Mapping[Path, Place] = field(default_factory=dict)

    def of_value(self, path: Path) -> Place:
        """Where the value at ``path`` is."""
        return self.values.get(path) or self.of_key(path)

    def of_key(self, path: Path) -> Place:
        """Where the key at the end of ``path`` is, or the item if it is an index."""
        while path:
            place = self.keys.get(path) or self.values.get(path)
            if place:
                return place
            path = path[:-1]
        return self.values.get((), self.source)

    def replaced(self, path: Path, place: Place) -> Places:
        """The same, but all at and below ``path`` is at ``place``, and so are keys above it without one."""
        values = _outside(self.values, path)
        keys = _outside(self.keys, path)
        for length in range(1, len(path) + 1):
            above = path[:length]
            if above not in values and above not in keys:
                values[above] = keys[above] = place
        return Places(self.source, values, keys)

    def lengthened(self, path: Path, below: tuple[str, ...]) -> Places:
        """The same places, where the value at ``path`` has become a mapping with the keys ``below``."""
        place = self.of_value(path)
        added = {(*path, key): place for key in below}
        return Places(self.source, {**self.values, **added}, {**self.keys, **added})


def _outside(places: Mapping[Path, Place], path: Path) -> dict[Path, Place]:
    return {known: place for known, place in places.items() if known[: len(path)] != path}
