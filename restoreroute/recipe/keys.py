"""The keys that an options model takes, at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from restoreroute.recipe.places import Path


def descriptions_at(model: type[BaseModel], loc: Path) -> dict[str, str]:
    """Keys with their descriptions, as recipes write them, of the model that pydantic's ``loc`` leads to.

    Where a union makes that more than one model, all of their keys.
    """
    models = [model]
    for part in loc:
        below = [
            inner
            for outer in models
            for key, field in _fields(outer)
            if key == part
            for inner in _models_in(field.annotation)
        ]
        # a part that is no key is the index of an item or the name of a union's member
        models = below or [outer for outer in models if outer.__name__ == part] or models
    return {key: field.description or "" for outer in models for key, field in _fields(outer)}


def _fields(model: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(field.alias or name, field) for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
