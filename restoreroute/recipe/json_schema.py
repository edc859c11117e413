"""The JSON schema of recipes, for editors that complete and check while one types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.schema import DEFAULT_DIFFICULTY, MAX_BRANCHES, PROTOCOLS, BranchChoice, Recipe
from restoreroute.recipe.shorthand import SPLITS
from restoreroute.spec.offering import Offering
from restoreroute.spec.options import Options

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(catalogue: Catalogue) -> Schema:
    """The schema (draft 2020-12) of what can be written in a recipe, shorthands included.

    Names that nobody offers here are allowed, with any options: the plugin may be installed elsewhere.

    Args:
        catalogue: whose names and options are offered for completion.
    """
    schema = Recipe.model_json_schema(by_alias=True)
    definitions: Schema = schema.pop("$defs")
    for unused in ("Choice", "DifficultyChoice", "SourceChoice", "BranchChoice"):
        definitions.pop(unused)
    properties = schema["properties"]
    shelves: dict[str, Iterable[Offering[Any]]] = {
        "task": catalogue.tasks,
        "backbone": catalogue.backbones,
        "difficulty": catalogue.difficulty_estimators,
    }
    for key, shelf in shelves.items():
        default = DEFAULT_DIFFICULTY if key == "difficulty" else None
        choice = _choice(tuple(shelf), "name", definitions, default=default)
        properties[key] = {"description": properties[key]["description"], **choice}
    properties["difficulty"]["default"] = DEFAULT_DIFFICULTY
    properties["name"].pop("default")
    properties["branches"] = _branches(properties["branches"]["description"])
    sources = _choice(tuple(catalogue.data_sources), "source", definitions)
    definitions["source"] = sources
    data = definitions["DataOptions"]["properties"]
    for split in SPLITS:
        data[split] = {"description": data[split]["description"], "$ref": "#/$defs/source"}
    definitions["EvaluationOptions"]["properties"]["protocols"]["items"] = {"enum": list(PROTOCOLS)}
    return {
        "$schema": DRAFT,
        **schema,
        "allOf": [_branch_options(family, definitions) for family in catalogue.backbones],
        "$defs": definitions,
    }


def _choice(offers: tuple[Offering[Any], ...], key: str, definitions: Schema, *, default: str | None = None) -> Schema:
    """A name or a mapping with the name under ``key`` and the options of what is named.

    Args:
        offers: what can be named.
        key: ``"name"`` or ``"source"``.
        definitions: takes what the options' schemas refer to.
        default: the name that is meant where a mapping has none.
    """
    name = _one_of_names(offers, "a folder's path" if key == "source" else None)
    mapping = {
        "type": "object",
        "properties": {key: _one_of_names(offers)},
        "required": [] if default else [key],
        "allOf": [
            {
                "if": {
                    "properties": {key: {"const": offer.name}},
                    "required": [] if offer.name == default else [key],
                },
                "then": _with_options(offer, {key: True}, definitions),
            }
            for offer in offers
        ],
    }
    return {"anyOf": [name, mapping]}


def _one_of_names(offers: Iterable[Offering[Any]], otherwise: str | None = None) -> Schema:
    """Text; the names on offer are what editors propose."""
    names = [{"const": offer.name, "description": offer.summary} for offer in offers]
    other: Schema = {"type": "string", "minLength": 1}
    if otherwise:
        other["description"] = otherwise
    return {"anyOf": [*names, other]}


def _with_options(
    offer: Offering[Any], beside: Mapping[str, Any], definitions: Schema, *, partial: bool = False
) -> Schema:
    """A mapping of the offering's options and the keys ``beside`` them, and of no other.

    Args:
        offer: the offering.
        beside: schemas of further keys.
        definitions: takes what the options' schema refers to.
        partial: whether required options may be left out.
    """
    own = _options_schema(offer.options, f"{offer.kind} {offer.name}".replace(" ", "_"), definitions)
    schema: Schema = {
        "properties": {**own.get("properties", {}), **beside},
        "additionalProperties": False,
    }
    if not partial and own.get("required"):
        schema["required"] = own["required"]
    return schema


def _options_schema(options: type[Options], prefix: str, definitions: Schema) -> Schema:
    schema = options.model_json_schema(by_alias=True, ref_template=f"#/$defs/{prefix}.{{model}}")
    for name, definition in schema.pop("$defs", {}).items():
        definitions[f"{prefix}.{name}"] = definition
    return schema


def _branches(description: str) -> Schema:
    width = BranchChoice.model_json_schema()["properties"]["width"]
    branch = {
        "anyOf": [
            {"type": "integer", "minimum": 1, "description": width["description"]},
            {"type": "object", "properties": {"width": width}, "required": ["width"]},
        ]
    }
    return {
        "description": description,
        "anyOf": [
            {"type": "array", "items": branch, "minItems": 2},
            {"type": "integer", "minimum": 2, "maximum": MAX_BRANCHES},
            {"type": "null"},
        ],
        "default": None,
    }


def _branch_options(family: Offering[Any], definitions: Schema) -> Schema:
    """If the backbone is this family, branches take its options."""
    named = {"type": "object", "properties": {"name": {"const": family.name}}, "required": ["name"]}
    branch = _with_options(family, {"width": True}, definitions, partial=True)
    return {
        "if": {
            "properties": {"backbone": {"anyOf": [{"const": family.name}, named]}},
            "required": ["backbone"],
        },
        # additionalProperties says nothing about items that are plain widths
        "then": {"properties": {"branches": {"items": branch}}},
    }
