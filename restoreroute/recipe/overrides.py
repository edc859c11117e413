"""Values that are set from outside a recipe: ``stages.joint.lr=1e-4``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from restoreroute.errors import Problem, RecipeError
from restoreroute.recipe.document import Document, Reading, compose
from restoreroute.recipe.places import Path, Place, dotted
from restoreroute.recipe.plain import plain, shown
from restoreroute.recipe.shorthand import written_out


@dataclass(frozen=True)
class Override:
    """One value for one key.

    Attributes:
        keys: the keys that lead to it, as they were written.
        value: plain data.
        text: how the user wrote it.
    """

    keys: tuple[str, ...]
    value: Any
    text: str

    @property
    def place(self) -> Place:
        return place_of(self.text)


def place_of(text: str) -> Place:
    """The place of everything that an override says."""
    return Place(f"override {text}")


def parse_overrides(given: Iterable[str] | Mapping[str, Any]) -> tuple[Override, ...]:
    """Read overrides.

    Args:
        given: ``key=value`` texts, whose values are YAML as in a recipe, or plain values by dotted key.  One
            text alone counts as a list of one.

    Raises:
        RecipeError: with every override that can't be read.
    """
    problems: list[Problem] = []
    if isinstance(given, Mapping):
        parsed = [_from_python(str(key), value, problems) for key, value in given.items()]
    else:
        texts = [given] if isinstance(given, str) else given
        parsed = [_from_text(text, problems) for text in texts]
    if problems:
        raise RecipeError(problems)
    return tuple(parsed)


def _from_python(key: str, value: object, problems: list[Problem]) -> Override:
    text = f"{key}={value!r}" if len(repr(value)) <= 80 else f"{key}={repr(value)[:77]}..."
    keys = _keys(key, text, problems)
    copied = plain(value, lambda message, path: problems.append(place_of(text).problem(message, path)), keys)
    return Override(keys, copied, text)


def _from_text(text: str, problems: list[Problem]) -> Override:
    key, equals, written = text.partition("=")
    if not equals:
        problems.append(place_of(text).problem("an override is key=value, such as stages.joint.lr=1e-4"))
        return Override((), None, text)
    keys = _keys(key, text, problems)
    value = None
    try:
        reading = Reading(place_of(text))
        node = compose(written, place_of(text))
        value = None if node is None else reading.read(node)
        found: Iterable[Problem] = reading.problems
    except RecipeError as error:
        found = error.problems
    problems += [replace(one, path=(*keys, *one.path), line=None, column=None) for one in found]
    return Override(keys, value, text)


def _keys(key: str, text: str, problems: list[Problem]) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in key.split("."))
    if not all(keys):
        problems.append(place_of(text).problem(f"{key!r} is no key; a key is names joined by '.'"))
    return keys


def apply_overrides(document: Document, overrides: Iterable[Override], sources: Collection[str]) -> Document:
    """The document with overrides applied, later ones last.

    Mappings on the way are made where they are missing, and shorthands on the way are written out.

    Args:
        document: a recipe.
        overrides: what to set.
        sources: names of the data sources there are, to tell them from paths of folders.

    Returns:
        A document of its own; overrides that don't fit are among its problems.
    """
    document = replace(document, data=deepcopy(document.data))
    for override in overrides:
        document = _applied(document, override, sources)
    return document


def _applied(document: Document, override: Override, sources: Collection[str]) -> Document:
    holder: Any = document.data
    places = document.places
    path: Path = ()
    try:
        for key in override.keys[:-1]:
            index = _index(holder, key, path)
            path = (*path, index)
            before = holder.get(index) if isinstance(holder, dict) else holder[index]
            after = {} if before is None else written_out(path, before, sources)
            if after is not before:
                holder[index] = after
                places = places.lengthened(path, tuple(after))
            holder = after
        index = _index(holder, override.keys[-1], path)
    except LookupError as error:
        problem = override.place.problem(error.args[0], tuple(override.keys))
        return replace(document, problems=(*document.problems, problem))
    holder[index] = deepcopy(override.value)
    return replace(document, places=places.replaced((*path, index), override.place))


def _index(holder: Any, key: str, path: Path) -> Any:
    """What ``key`` is in ``holder``: itself in a mapping, a number in a list.

    Raises:
        LookupError: if ``holder`` has no such item, or is neither.
    """
    if isinstance(holder, dict):
        return key
    if not isinstance(holder, list):
        raise LookupError(f"{dotted(path)!r} is {shown(holder)}, which has no keys")
    if not (key.isascii() and key.isdigit()):
        raise LookupError(f"{dotted(path)!r} is a list; its items are {dotted((*path, 0))}, {dotted((*path, 1))}, ...")
    if int(key) >= len(holder):
        raise LookupError(f"there is no item {key}; {dotted(path)!r} has {len(holder)}, counted from 0")
    return int(key)
