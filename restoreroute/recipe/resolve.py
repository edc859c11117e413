"""From a recipe to a plan: names are looked up, options checked, capabilities matched.

Nothing stops at the first problem: what is wrong in one place hides nothing that can be judged without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from restoreroute.errors import Problem, RecipeError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.document import Document
from restoreroute.recipe.overrides import apply_overrides, parse_overrides
from restoreroute.recipe.plain_recipe import recipe_text
from restoreroute.recipe.resolver import Resolver
from restoreroute.recipe.shorthand import write_out
from restoreroute.recipe.source_file import read_document
from restoreroute.spec.plan import RunPlan

__all__ = ["Overrides", "check_recipe", "load_recipe", "name_from", "recipe_text", "resolve"]

Overrides = Iterable[str] | Mapping[str, Any]


def load_recipe(path: str | Path, catalogue: Catalogue, overrides: Overrides = ()) -> RunPlan:
    """Read a recipe's file and resolve it.

    Args:
        path: a YAML file.
        catalogue: where names are looked up.
        overrides: ``key=value`` texts, or values by dotted key.

    Raises:
        InputError: if the file can't be read.
        RecipeError: with everything that is wrong with the recipe, in the order of its lines.
    """
    path = Path(path)
    return resolve(read_document(path), catalogue, overrides, default_name=name_from(path))


def check_recipe(path: str | Path, catalogue: Catalogue, overrides: Overrides = ()) -> list[Problem]:
    """What is wrong with a recipe; empty if it can be run.

    Raises:
        InputError: if the file can't be read.
    """
    try:
        load_recipe(path, catalogue, overrides)
    except RecipeError as error:
        return list(error.problems)
    return []


def name_from(path: Path) -> str:
    """The name of a run whose recipe says none: the file's, without what a name can't hold."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip(".-") or "recipe"


def resolve(
    document: Document, catalogue: Catalogue, overrides: Overrides = (), *, default_name: str = "recipe"
) -> RunPlan:
    """The plan that a recipe stands for.

    Args:
        document: from :func:`~restoreroute.recipe.document.parse_document`, or from
            :func:`~restoreroute.recipe.document.document_from` for data such as :attr:`RunPlan.recipe`.
        catalogue: where names are looked up.
        overrides: ``key=value`` texts, or values by dotted key.
        default_name: of the run, if the recipe says none.

    Raises:
        RecipeError: with everything that is wrong with the recipe, in the order of its lines.
    """
    sources = catalogue.data_sources.names()
    document = apply_overrides(document, parse_overrides(overrides), sources)
    document = replace(document, data={"name": default_name, **document.data})
    return Resolver(write_out(document, sources), catalogue).plan()
