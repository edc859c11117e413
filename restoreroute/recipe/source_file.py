"""Reading a recipe's file."""

from __future__ import annotations

from pathlib import Path

from restoreroute.errors import InputError, RecipeError, nearest
from restoreroute.recipe.document import Document, parse_document
from restoreroute.recipe.places import Place

MAX_BYTES = 1 << 20
"""Recipes are some kilobytes; what is larger is a file of another kind, given by mistake."""


def read_document(path: Path) -> Document:
    """Read a recipe's file.

    Raises:
        InputError: if there is no such file, or it can't be read.
        RecipeError: if its text is no YAML, or no mapping.
    """
    try:
        if path.is_dir():
            raise InputError("is a folder, not a recipe file", where=str(path), hint=_recipes_in(path))
        if not path.exists():
            raise InputError("there is no such file", where=str(path), hint=_nearest_file(path))
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror or error}", where=str(path)) from error
    if len(raw) > MAX_BYTES:
        raise InputError(f"has more than {MAX_BYTES} bytes; this can't be a recipe", where=str(path))
    return parse_document(_decoded(raw, str(path)), str(path))


def _decoded(raw: bytes, source: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", errors="replace")) + 1
        place = Place(source, before.count(b"\n") + 1, column)
        raise RecipeError([place.problem(f"is not UTF-8 text: byte 0x{error.object[error.start]:02x}")]) from None


def _recipes_in(folder: Path) -> str | None:
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix in (".yml", ".yaml"))
    return "recipes in it: " + ", ".join(names[:10]) if names else None


def _nearest_file(path: Path) -> str | None:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r} either"
    name = nearest(path.name, [entry.name for entry in folder.iterdir() if entry.is_file()])
    return f"did you mean {str(folder / name)!r}?" if name else None
