"""The plugin host: finds plugins, and fills a catalogue with what the sound ones offer."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Sequence
from importlib.metadata import EntryPoint
from typing import Any, Self

from restoreroute.errors import PluginError
from restoreroute.plugin.catalogue import Catalogue, Offered
from restoreroute.plugin.discovery import Candidate, candidates
from restoreroute.plugin.inspection import collect
from restoreroute.plugin.origin import BLOCK_VARIABLE, Origin, PluginRecord
from restoreroute.spec.offering import Offering


class PluginHost:
    """Plugins, admitted one by one.  A plugin comes in as a whole or not at all, and never stops another.

    Args:
        block: plugins that must not be loaded, each by the name of its entry point, its distribution or its
            module, or as ``distribution:name``.
    """

    def __init__(self, *, block: Collection[str] = ()) -> None:
        self._block = frozenset(block)
        self._records: list[PluginRecord] = []
        self._offered: list[Offered[Any]] = []
        self._owners: dict[tuple[str, str], Origin] = {}

    @classmethod
    def discover(cls, *, block: Collection[str] = (), entry_points: Iterable[EntryPoint] | None = None) -> Self:
        """A host with all plugins of the entry point group ``restoreroute``.

        Args:
            entry_points: the ones to use instead of everything that is installed.
        """
        host = cls(block=block)
        for candidate in candidates(entry_points):
            host._admit(candidate)
        return host

    @property
    def records(self) -> tuple[PluginRecord, ...]:
        """What became of each plugin, in the order in which they were loaded."""
        return tuple(self._records)

    def register(self, plugin: object, *, name: str, distribution: str = "embedded", version: str = "") -> PluginRecord:
        """Admit a module or object that is at hand, after all that were admitted before."""
        owner = type(plugin)
        value = plugin.__name__ if inspect.ismodule(plugin) else f"{owner.__module__}:{owner.__qualname__}"
        candidate = Candidate(name=name, distribution=distribution, version=version, value=value, load=lambda: plugin)
        return self._admit(candidate)

    def catalogue(self) -> Catalogue:
        """What has been admitted so far; later registrations do not change it."""
        return Catalogue(plugins=self.records, offered=tuple(self._offered))

    def _admit(self, candidate: Candidate) -> PluginRecord:
        record = self._judge(candidate)
        self._records.append(record)
        return record

    def _judge(self, candidate: Candidate) -> PluginRecord:
        entry = candidate.blocked_by(self._block)
        if entry is not None:
            error = f"{candidate.title}: is blocked (take {entry!r} out of {BLOCK_VARIABLE} to load it)"
            return PluginRecord.of(candidate, status="blocked", error=error)
        try:
            offers = collect(candidate)
            self._refuse_taken(candidate, offers)
        except PluginError as error:
            return PluginRecord.of(candidate, status="broken", error=str(error))
        self._offered += [Offered(offer, candidate.provider) for offer in offers]
        self._owners |= {(offer.kind, offer.name): candidate for offer in offers}
        return PluginRecord.of(candidate, status="active", offers=_names(offers))

    def _refuse_taken(self, candidate: Candidate, offers: Sequence[Offering[Any]]) -> None:
        for offer in offers:
            owner = self._owners.get((offer.kind, offer.name))
            if owner is not None:
                raise PluginError(
                    f"{offer.kind} {offer.name!r} is already offered by {owner.title}",
                    where=candidate.title,
                    hint=f"keep one: {BLOCK_VARIABLE}={owner.key} or {BLOCK_VARIABLE}={candidate.key}",
                )


def _names(offers: Sequence[Offering[Any]]) -> dict[str, tuple[str, ...]]:
    kinds = dict.fromkeys(offer.kind for offer in offers)
    return {kind: tuple(sorted(offer.name for offer in offers if offer.kind == kind)) for kind in kinds}
