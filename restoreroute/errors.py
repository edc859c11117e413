"""The error tree: an error holds its facts and renders itself as one line.

Every error that a user can cause says what is wrong, where, and what to do about it.  ``exit_code`` is what the
command line returns: 2 for wrong input (fix the input and run again), 1 for a run that failed on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that ``name`` was most likely meant to be, or None if none is close."""
    known = list(candidates)
    matches = get_close_matches(name, known, n=1, cutoff=0.6)
    if matches:
        return matches[0]
    folded = {candidate.casefold(): candidate for candidate in known}
    return folded.get(name.casefold())


class RestorerouteError(Exception):
    """Base of all errors that are shown to a user without a traceback.

    Args:
        what: what is wrong, without a closing full stop.
        where: the file, option or plugin it was found in.
        hint: what to do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{advice}"


class InputError(RestorerouteError):
    """Something the user gave is wrong: a file, an option, a recipe, a name."""

    exit_code = 2


class OutputError(RestorerouteError):
    """A result could not be written: disk full, no permission, path taken."""


class TrainingError(RestorerouteError):
    """A training stage can't go on, for example because its loss is no longer finite."""


class PluginError(InputError):
    """A plugin is broken, missing, or clashes with another one."""


class UnknownNameError(InputError):
    """A name that no plugin offers.

    Args:
        kind: what was looked for, e.g. ``"backbone family"``.
        name: the name that was given.
        known: the names that exist.
        where: where the name was given.
        remark: further facts, e.g. which plugins failed to load.
    """

    def __init__(
        self,
        *,
        kind: str,
        name: str,
        known: Sequence[str],
        where: str | None = None,
        remark: str | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        self.suggestion = nearest(name, self.known)
        if self.suggestion is not None:
            hint = f"did you mean {self.suggestion!r}?"
        elif self.known:
            hint = "known: " + ", ".join(self.known)
        else:
            hint = f"no {kind} is installed"
        if remark:
            hint = f"{hint}; {remark}"
        super().__init__(f"unknown {kind} {name!r}", where=where, hint=hint)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a recipe, with its place.

    Attributes:
        message: what is wrong, with the nearest right answer where there is one.
        path: keys that lead to it, e.g. ``("stages", "joint", "lr")``.
        source: file name, or ``"override <text>"`` for a value from the command line.
        line: line number from 1, or None where the source has none.
        column: column number from 1, or None where the source has none.
    """

    message: str
    path: tuple[str | int, ...]
    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        keys = ".".join(str(key) for key in self.path)
        return f"{place}: {keys}: {self.message}" if keys else f"{place}: {self.message}"


class RecipeError(InputError):
    """Everything that is wrong with a recipe, all at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("a RecipeError needs at least one problem")
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))
