"""Plain data: what YAML and JSON can say."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from restoreroute.recipe.places import Path

Report = Callable[[str, Path], None]


def plain(value: object, report: Report, path: Path = ()) -> Any:
    """A copy of ``value`` as plain data.

    Tuples become lists and paths become text.

    Args:
        value: data from Python.
        report: called with a message and a path for each value that is not plain.
        path: where ``value`` is.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            report("must be Unicode text", path)
        return str(value)
    if isinstance(value, os.PathLike):
        return plain(os.fspath(value), report, path)
    if isinstance(value, list | tuple):
        return [plain(item, report, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, report, path): plain(item, report, (*path, str(key))) for key, item in value.items()}
    report(f"must be plain data such as YAML has, not {type(value).__name__}", path)
    return None


def _key(key: object, report: Report, path: Path) -> str:
    if not isinstance(key, str):
        report("a key has to be text", (*path, str(key)))
    return str(key)


def shown(value: object) -> str:
    """A value as messages show it: kind and value of a scalar, only the kind of a collection."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {value if len(value) <= 60 else value[:57] + '...'!r}"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "a mapping"
    return str(value)
