"""Validates parts of a recipe and collects what is wrong with them, each with its place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from restoreroute.errors import Problem, nearest
from restoreroute.recipe.document import Document
from restoreroute.recipe.keys import descriptions_at
from restoreroute.recipe.places import Path
from restoreroute.recipe.plain import shown
from restoreroute.recipe.words import in_plain_words
from restoreroute.spec.options import Options

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

OptionsT = TypeVar("OptionsT", bound=Options)


class Findings:
    """What is wrong with a recipe.

    Args:
        document: the recipe, without shorthands.  Its own problems come first, and nothing more is said
            about the values that they are about.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self._found: dict[tuple[Path, str], Problem] = {}
        self._settled: set[Path] = set()
        for problem in document.problems:
            self._found[problem.path, problem.message] = problem
        for path, number in _endless(document.data):
            self.add(f"must be a finite number, not {shown(number)}", path)
        self._settled = {path for path, _ in self._found}

    def problems(self) -> tuple[Problem, ...]:
        """All of them in the order of the text; those of overrides come last."""

        def order(problem: Problem) -> tuple[float, int]:
            return (math.inf if problem.line is None else problem.line, problem.column or 0)

        return tuple(sorted(self._found.values(), key=order))

    def add(self, message: str, path: Path, *, at_key: bool = False) -> None:
        """Note what is wrong with a value, or with its key."""
        places = self.document.places
        place = places.of_key(path) if at_key else places.of_value(path)
        if path not in self._settled:
            self._found.setdefault((path, message), place.problem(message, path))

    def model(
        self,
        model: type[OptionsT],
        data: Mapping[str, Any],
        path: Path,
        *,
        beside: Sequence[str] = (),
        where: Callable[[Path], Path | None] | None = None,
    ) -> OptionsT | None:
        """Validate ``data``; None if something is wrong with it.

        Args:
            model: what it should be.
            data: the value at ``path``, or a part of that.
            path: where it is.
            beside: further keys that may stand there.
            where: gives the full path for a path within ``data``, or None to say nothing about what is wrong
                there; by default it is appended to ``path``.
        """
        try:
            return model.model_validate_json(json.dumps(data))
        except ValidationError as error:
            self._explain(model, data, error.errors(), beside, where or (lambda inner: (*path, *inner)))
            return None

    def fields(self, model: type[Options], data: object, path: Path) -> dict[str, Any]:
        """The validated values, by name, of those fields of ``model`` that nothing is wrong with."""
        if not isinstance(data, Mapping):
            return {}
        try:
            whole = model.model_validate_json(json.dumps(data))
        except ValidationError as error:
            errors = error.errors()
            self._explain(model, data, errors, (), lambda inner: (*path, *inner))
            broken = {details["loc"][0] for details in errors if details["loc"]}
        else:
            return {name: getattr(whole, name) for name in model.model_fields}
        intact: dict[str, Any] = {}
        for name, field in model.model_fields.items():
            key = field.alias or name
            if key in broken:
                continue
            if key in data:
                adapter: TypeAdapter[Any] = TypeAdapter(field.annotation or Any)
                intact[name] = adapter.validate_json(json.dumps(data[key]))
            else:
                intact[name] = field.get_default(call_default_factory=True)
        return intact

    def _explain(
        self,
        model: type[Options],
        data: Mapping[str, Any],
        errors: Sequence[ErrorDetails],
        beside: Sequence[str],
        where: Callable[[Path], Path | None],
    ) -> None:
        meant: set[Path] = set()
        for details in sorted(errors, key=lambda details: details["type"] == "missing"):
            kind, loc = details["type"], details["loc"]
            inner = _path_in(data, loc, missing=kind == "missing")
            known = descriptions_at(model, loc[:-1])
            names = (*known, *(beside if len(inner) == 1 else ()))
            if kind == "extra_forbidden":
                meant.add((*inner[:-1], nearest(str(loc[-1]), names) or ""))
            elif inner in meant or _is_echo(details):
                continue
            description = known.get(str(loc[-1])) if kind == "missing" else None
            message = in_plain_words(details, description=description, known=names)
            path = where(inner)
            if path is not None:
                self.add(message, path, at_key=kind == "extra_forbidden")


def _is_echo(details: ErrorDetails) -> bool:
    """Whether it says that a list is too short only because items of it are wrong."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _path_in(data: object, loc: Path, *, missing: bool) -> Path:
    """``loc`` without the names that pydantic puts in for the members of unions.

    Args:
        data: what was validated.
        loc: where pydantic says that the error is.
        missing: whether the last part is a key that isn't there.
    """
    path: list[str | int] = []
    for part in loc[:-1] if missing else loc:
        if isinstance(data, Mapping) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path.append(part)
    return (*path, loc[-1]) if missing else tuple(path)


def _endless(value: object, path: Path = ()) -> Iterator[tuple[Path, float]]:
    """Numbers that are infinite or none at all, with their paths: JSON has no word for them."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _endless(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _endless(item, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, value
