"""What the installed plugins offer, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar, overload

from restoreroute.errors import PluginError, UnknownNameError
from restoreroute.plugin.hookspecs import PROJECT
from restoreroute.plugin.origin import PluginRecord, normalised
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.model import TrainedModel
from restoreroute.spec.offering import Offering
from restoreroute.spec.plan import Provider
from restoreroute.spec.runtime import Runtime
from restoreroute.spec.source import DataSource
from restoreroute.spec.task import Task

OfferT = TypeVar("OfferT", bound=Offering[Any])


@dataclass(frozen=True)
class Offered(Generic[OfferT]):
    """An offering and the distribution that it comes from."""

    offer: OfferT
    provider: Provider


@dataclass(frozen=True)
class Shelf(Generic[OfferT]):
    """All offerings of one kind, sorted by name.

    Attributes:
        kind: what they are, e.g. ``"backbone family"``.
        remark: on plugins that are not active, since a name that is missing here may be theirs.
    """

    kind: str
    offered: tuple[Offered[OfferT], ...]
    remark: str | None = None

    def __iter__(self) -> Iterator[OfferT]:
        return (item.offer for item in self.offered)

    def __len__(self) -> int:
        return len(self.offered)

    def names(self) -> tuple[str, ...]:
        return tuple(offer.name for offer in self)

    def get(self, name: str, *, where: str | None = None) -> OfferT:
        """The offering of that name.

        Args:
            where: the file or option that names it, for the error.

        Raises:
            UnknownNameError: if no active plugin offers it.
        """
        return self._item(name, where).offer

    def provider(self, name: str, *, where: str | None = None) -> Provider:
        """Who the offering of that name comes from.  Raises as :meth:`get` does."""
        return self._item(name, where).provider

    def _item(self, name: str, where: str | None) -> Offered[OfferT]:
        for item in self.offered:
            if item.offer.name == name:
                return item
        raise UnknownNameError(kind=self.kind, name=name, known=self.names(), where=where, remark=self.remark)


class Kind(Generic[OfferT]):
    """A kind of offering: its descriptor type, and by its attribute name its shelf and its hook."""

    def __init__(self, offer: type[OfferT]) -> None:
        self.offer = offer

    def __set_name__(self, owner: type[Catalogue], name: str) -> None:
        self.hook = f"{PROJECT}_{name}"

    @overload
    def __get__(self, catalogue: None, owner: type[Catalogue]) -> Self: ...

    @overload
    def __get__(self, catalogue: Catalogue, owner: type[Catalogue]) -> Shelf[OfferT]: ...

    def __get__(self, catalogue: Catalogue | None, owner: type[Catalogue]) -> Self | Shelf[OfferT]:
        if catalogue is None:
            return self
        mine = [item for item in catalogue.offered if isinstance(item.offer, self.offer)]
        mine.sort(key=lambda item: item.offer.name)
        return Shelf(self.offer.kind, tuple(mine), catalogue.remark)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Everything that recipes and users can name, and the plugins that were found.

    The hook of a shelf is ``restoreroute_`` and the name of the shelf.

    Attributes:
        plugins: all of them, in the order in which they were found.
        offered: offerings of the active ones; names are unique within a kind.
    """

    tasks = Kind(Task)
    backbones = Kind(BackboneFamily)
    difficulty_estimators = Kind(DifficultyEstimator)
    data_sources = Kind(DataSource)
    runtimes = Kind(Runtime)
    models = Kind(TrainedModel)

    plugins: tuple[PluginRecord, ...] = ()
    offered: tuple[Offered[Any], ...] = ()

    @classmethod
    def kinds(cls) -> tuple[Kind[Any], ...]:
        return tuple(value for value in vars(cls).values() if isinstance(value, Kind))

    @property
    def shelves(self) -> tuple[Shelf[Any], ...]:
        """One for each kind, empty ones too."""
        return tuple(kind.__get__(self, Catalogue) for kind in self.kinds())

    @property
    def remark(self) -> str | None:
        """One clause on the plugins that are not active, or None."""
        idle = [plugin.error for plugin in self.plugins if plugin.status != "active"]
        return "; ".join(idle) or None

    def find(self, name: str, *, where: str | None = None) -> tuple[Offering[Any], ...]:
        """All offerings of that name, over all kinds.

        Raises:
            UnknownNameError: if there is none.
        """
        found = tuple(item.offer for item in self.offered if item.offer.name == name)
        if not found:
            known = sorted({item.offer.name for item in self.offered})
            raise UnknownNameError(kind="offering", name=name, known=known, where=where, remark=self.remark)
        return found

    def provider(self, offer: Offering[Any]) -> Provider:
        """Who an offering of this catalogue comes from.

        Raises:
            ValueError: if it is not from this catalogue.
        """
        for item in self.offered:
            if item.offer is offer:
                return item.provider
        raise ValueError(f"{offer.kind} {offer.name!r} is not from this catalogue")


def missing_plugin(
    kind: str, name: str, provider: Provider, catalogue: Catalogue, *, where: str | None = None
) -> PluginError:
    """The error for a model file that needs what no active plugin offers.

    Args:
        kind: kind of the missing offering, e.g. ``"backbone family"``.
        name: its name.
        provider: who offered it when the model was made.
        where: the model file.
    """
    package = normalised(provider.distribution)
    plugins = [plugin for plugin in catalogue.plugins if normalised(plugin.distribution) == package]
    idle = [plugin.error for plugin in plugins if plugin.status != "active"]
    if idle:
        hint = f"it is installed, but {'; '.join(idle)}"
    elif plugins:
        pinned = f"{provider.distribution}=={provider.version}"
        hint = f"version {plugins[0].version} is installed and does not offer it: pip install {pinned}"
    else:
        hint = f"pip install {provider.distribution}"
    source = f"distribution {provider.distribution!r} {provider.version}".rstrip()
    return PluginError(f"needs {kind} {name!r} from {source}", where=where, hint=hint)
