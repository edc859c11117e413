"""How the tensors of a checkpoint differ from those that a network has, in few words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

from torch import Tensor

from restoreroute.spec.backbone import Shape

MOST_GROUPS = 4


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """What does not fit, by the names of the checkpoint; false where all fits.

    Attributes:
        unknown: tensors that the network does not have.
        missing: tensors that the network has and the checkpoint lacks.
        reshaped: shape in the checkpoint and shape in the network, where they differ.
        reason: why no network could be made to compare with, or None.
    """

    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reshaped: Mapping[str, tuple[Shape, Shape]] = field(default_factory=dict)
    reason: str | None = None

    def __bool__(self) -> bool:
        return bool(self.reason or self.unknown or self.missing or self.reshaped)

    @property
    def size(self) -> int:
        """How many tensors do not fit."""
        return len(self.unknown) + len(self.missing) + len(self.reshaped)

    def __str__(self) -> str:
        groups = [] if self.reason is None else [self.reason]
        groups += [f"{group} unknown" for group in grouped(self.unknown)]
        groups += [f"{group} missing" for group in grouped(self.missing)]
        groups += [self._shapes(names) for names in _by_prefix(self.reshaped)]
        more = len(groups) - MOST_GROUPS
        return "; ".join(groups if more <= 0 else [*groups[:MOST_GROUPS], f"and {more} more"])

    def _shapes(self, names: list[str]) -> str:
        found, expected = self.reshaped[names[0]]
        others = f", and {len(names) - 1} more of {_shared(names)} of another shape" if len(names) > 1 else ""
        return f"{names[0]} is {found}, expected {expected}{others}"


def grouped(names: Iterable[str]) -> list[str]:
    """Names by their first part: ``"14 tensors of body.*"``, or the name where it is the only one."""
    return [names[0] if len(names) == 1 else f"{len(names)} tensors of {_shared(names)}" for names in _by_prefix(names)]


def unknown_to(rename: Callable[[str], str], names: Iterable[str]) -> tuple[str, ...]:
    """The names that ``rename`` does not know."""
    unknown = []
    for name in names:
        try:
            rename(name)
        except KeyError:
            unknown.append(name)
    return tuple(unknown)


def compare(
    tensors: Mapping[str, Tensor],
    known: Mapping[str, Tensor],
    *,
    rename: Callable[[str], str],
    original: Callable[[str], str],
    constants: Iterable[str] = (),
) -> tuple[dict[str, Tensor], Misfit]:
    """Find for each of a network's tensors the one of a checkpoint.

    Args:
        tensors: of the checkpoint.
        known: the state of the network.
        rename: a name in the checkpoint -> the network's; KeyError for a name that it does not know.
        original: the other way round.
        constants: names of the network that may be missing in the checkpoint.

    Returns:
        The checkpoint's tensors by the network's names, and what does not fit.
    """
    sources: dict[str, str] = {}  # network's name -> checkpoint's
    unknown = []
    for name in tensors:
        try:
            mine = rename(name)
        except KeyError:
            mine = ""
        if mine in known and mine not in sources:
            sources[mine] = name
        else:
            unknown.append(name)
    optional = frozenset(constants)
    misfit = Misfit(
        unknown=tuple(unknown),
        missing=tuple(original(mine) for mine in known if mine not in sources and mine not in optional),
        reshaped={
            theirs: (tuple(tensors[theirs].shape), tuple(known[mine].shape))
            for mine, theirs in sources.items()
            if tensors[theirs].shape != known[mine].shape
        },
    )
    return {mine: tensors[theirs] for mine, theirs in sources.items()}, misfit


def _by_prefix(names: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.partition(".")[0], []).append(name)
    return list(groups.values())


def _shared(names: list[str]) -> str:
    """What names have in common, in whole parts: ``"body.3.*"``."""
    columns = zip(*(name.split(".") for name in names), strict=False)
    return ".".join([*(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)), "*"])
