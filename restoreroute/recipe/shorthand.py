"""Shorthands of recipes, written out on plain data.

``task``, ``backbone`` and ``difficulty`` may be a plain name, a branch a plain width or the plain name of a family,
each split of the data the name of a data source or the path of a folder, and ``data.hardness`` the two shares alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from restoreroute.recipe.document import Document
from restoreroute.recipe.places import Path

FOLDER = "folder"
NAMED = ("task", "backbone", "difficulty")
SPLITS = ("train", "validation", "test")
HARDNESS = ("data", "hardness")


def written_out(path: Path, value: Any, sources: Collection[str]) -> Any:
    """The mapping that ``value`` is short for at ``path``, or ``value`` itself if it is no shorthand there.

    Args:
        path: where the value is.
        value: plain data.
        sources: the names of the data sources there are; other text is the path of a folder.
    """
    if path == HARDNESS and isinstance(value, list):
        return {"keep": value}
    if value is None or isinstance(value, dict | list):
        return value
    match path:
        case (key,) if key in NAMED:
            return {"name": value}
        case ("data", split) if split in SPLITS:
            is_path = isinstance(value, str) and value not in sources
            return {"source": FOLDER, "path": value} if is_path else {"source": value}
        case ("branches", int()):
            return {"family": value} if isinstance(value, str) else {"width": value}
    return value


def write_out(document: Document, sources: Collection[str]) -> Document:
    """The same document without shorthands.  What was written short keeps its place."""
    data, places = dict(document.data), document.places
    paths: list[Path] = [(key,) for key in NAMED if key in data]
    if isinstance(data.get("data"), dict):
        data["data"] = dict(data["data"])
        paths += [("data", split) for split in SPLITS if split in data["data"]]
        paths += [HARDNESS] if "hardness" in data["data"] else []
    if isinstance(data.get("branches"), list):
        data["branches"] = list(data["branches"])
        paths += [("branches", index) for index in range(len(data["branches"]))]
    for path in paths:
        holder: Any = data if len(path) == 1 else data[str(path[0])]
        last = path[-1]
        before, after = holder[last], written_out(path, holder[last], sources)
        if after is not before:
            holder[last] = after
            places = places.lengthened(path, tuple(after))
    return replace(document, data=data, places=places)
