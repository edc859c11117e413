"""Which plugins are installed: read from the metadata of distributions, nothing is imported yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions

from restoreroute.plugin.hookspecs import PROJECT
from restoreroute.plugin.origin import Origin, normalised

GROUP = PROJECT
"""Entry point group of plugins."""


@dataclass(frozen=True, kw_only=True)
class Candidate(Origin):
    """A plugin before it is loaded.  ``load`` may raise anything."""

    load: Callable[[], object]


def candidates(entry_points: Iterable[EntryPoint] | None = None) -> list[Candidate]:
    """Plugins in the order in which they are loaded.

    That is: distribution ``restoreroute`` first, the others by the names of distribution and entry point.  So
    it does not depend on the order of installation which of two clashing plugins is refused.

    Args:
        entry_points: where to look; None for everything installed.
    """
    found = installed() if entry_points is None else (_candidate(point) for point in entry_points)
    first: dict[str, Candidate] = {}
    for candidate in found:
        # The same distribution may lie on sys.path twice; the first one is what gets imported.
        first.setdefault(candidate.key, candidate)
    return sorted(first.values(), key=_order)


def installed() -> Iterator[Candidate]:
    """Plugins of all distributions on ``sys.path``."""
    sources: dict[str, Distribution] = {}
    for distribution in distributions():
        for candidate in _declared(distribution):
            source = sources.setdefault(normalised(candidate.distribution), distribution)
            if source is distribution:
                yield candidate


def _declared(distribution: Distribution) -> list[Candidate]:
    try:
        return [_candidate(point) for point in distribution.entry_points.select(group=GROUP)]
    except Exception as error:
        if f"[{GROUP}]" not in (distribution.read_text("entry_points.txt") or ""):
            return []
        return [_unreadable(distribution, error)]


def _unreadable(distribution: Distribution, error: Exception) -> Candidate:
    def load() -> object:
        raise ValueError(f"its entry_points.txt can't be read: {error}") from error

    name, version = _identity(distribution)
    return Candidate(name="?", distribution=name, version=version, value="", load=load)


def _candidate(point: EntryPoint) -> Candidate:
    name, version = _identity(point.dist)
    return Candidate(name=point.name, distribution=name, version=version, value=point.value, load=point.load)


def _identity(distribution: Distribution | None) -> tuple[str, str]:
    if distribution is None or "Name" not in distribution.metadata:
        return "unknown distribution", ""
    return distribution.metadata["Name"], distribution.version


def _order(candidate: Candidate) -> tuple[bool, str, str]:
    distribution = normalised(candidate.distribution)
    return distribution != PROJECT, distribution, candidate.name
