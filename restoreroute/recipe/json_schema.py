"""The JSON schema of recipes, for editors that complete and check while one types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.schema import BRANCH_KEYS, DEFAULT_DIFFICULTY, MAX_BRANCHES, PROTOCOLS, BranchChoice, Recipe
from restoreroute.recipe.shorthand import SPLITS
from restoreroute.spec.backbone import BackboneFamily
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
    keep = definitions["HardnessChoice"]["properties"]["keep"]
    edges = {key: edge for key, edge in definitions["DifficultyChoice"]["properties"].items() if key != "name"}
    for unused in ("Choice", "DifficultyChoice", "HardnessChoice", "SourceChoice", "BranchChoice"):
        definitions.pop(unused)
    properties = schema["properties"]
    shelves: dict[str, Iterable[Offering[Any]]] = {
        "task": catalogue.tasks,
        "backbone": catalogue.backbones,
        "difficulty": catalogue.difficulty_estimators,
    }
    for key, shelf in shelves.items():
        default = DEFAULT_DIFFICULTY if key == "difficulty" else None
        beside = edges if key == "difficulty" else {}
        choice = _choice(tuple(shelf), "name", definitions, default=default, beside=beside)
        properties[key] = {"description": properties[key]["description"], **choice}
    properties["difficulty"]["default"] = DEFAULT_DIFFICULTY
    properties["name"].pop("default")
    properties["branches"] = _branches(catalogue.backbones, properties["branches"]["description"], definitions)
    sources = _choice(tuple(catalogue.data_sources), "source", definitions)
    definitions["source"] = sources
    data = definitions["DataOptions"]["properties"]
    for split in SPLITS:
        data[split] = {"description": data[split]["description"], "$ref": "#/$defs/source"}
    _, hardness = _choice(
        tuple(catalogue.difficulty_estimators), "name", definitions, default=DEFAULT_DIFFICULTY, beside={"keep": keep}
    )["anyOf"]
    data["hardness"] = {
        "description": data["hardness"]["description"],
        "anyOf": [keep, {**hardness, "required": ["keep"]}, {"type": "null"}],
        "default": None,
    }
    definitions["EvaluationOptions"]["properties"]["protocols"]["items"] = {"enum": list(PROTOCOLS)}
    return {
        "$schema": DRAFT,
        **schema,
        "allOf": [_branch_options(family, definitions) for family in catalogue.backbones],
        "$defs": definitions,
    }


def _choice(
    offers: tuple[Offering[Any], ...],
    key: str,
    definitions: Schema,
    *,
    default: str | None = None,
    beside: Mapping[str, Any] | None = None,
) -> Schema:
    """A name or a mapping with the name under ``key`` and the options of what is named.

    Args:
        offers: what can be named.
        key: ``"name"`` or ``"source"``.
        definitions: takes what the options' schemas refer to.
        default: the name that is meant where a mapping has none.
        beside: schemas of further keys of the mapping.
    """
    further = beside or {}
    name = _one_of_names(offers, "a folder's path" if key == "source" else None)
    mapping = {
        "type": "object",
        "properties": {key: _one_of_names(offers), **further},
        "required": [] if default else [key],
        "allOf": [
            {
                "if": {
                    "properties": {key: {"const": offer.name}},
                    "required": [] if offer.name == default else [key],
                },
                "then": _with_options(offer, {key: True, **dict.fromkeys(further, True)}, definitions),
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


def _branches(families: Iterable[BackboneFamily], description: str, definitions: Schema) -> Schema:
    """Widths, names of families that have one width, and mappings with the options of a family that they name."""
    families = tuple(families)
    single = [family for family in families if not family.has_widths()]
    keys = BranchChoice.model_json_schema(by_alias=True)["properties"]
    mapping = {
        "type": "object",
        "properties": {**keys, "family": {"description": keys["family"]["description"], **_one_of_names(families)}},
        "anyOf": [{"required": ["width"]}, {"required": ["family"]}],
        "allOf": [
            {
                "if": {"properties": {"family": {"const": family.name}}, "required": ["family"]},
                "then": _with_options(family, dict.fromkeys(keys, True), definitions, partial=True),
            }
            for family in families
        ],
    }
    width = {"type": "integer", "minimum": 1, "description": keys["width"]["description"]}
    branch = {"anyOf": [width, _one_of_names(single, "the name of a family that has one width"), mapping]}
    return {
        "description": description,
        "anyOf": [
            {"type": "array", "items": branch, "minItems": 1},
            {"type": "integer", "minimum": 2, "maximum": MAX_BRANCHES},
            {"type": "null"},
        ],
        "default": None,
    }


def _branch_options(family: BackboneFamily, definitions: Schema) -> Schema:
    """If the backbone is this family, branches that name no other take its options."""
    named = {"type": "object", "properties": {"name": {"const": family.name}}, "required": ["name"]}
    branch = _with_options(family, dict.fromkeys(BRANCH_KEYS, True), definitions, partial=True)
    return {
        "if": {
            "properties": {"backbone": {"anyOf": [{"const": family.name}, named]}},
            "required": ["backbone"],
        },
        # additionalProperties says nothing about items that are plain widths
        "then": {"properties": {"branches": {"items": {"anyOf": [{"required": ["family"]}, branch]}}}},
    }
