"""The JSON schema for editors, checked on recipes by a validator of just the keywords that it uses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.document import parse_document
from restoreroute.recipe.json_schema import json_schema

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
CHECKS: dict[str, Any] = {
    "const": lambda value, bound: value == bound,
    "enum": lambda value, bound: value in bound,
    "minimum": lambda value, bound: not _is_number(value) or value >= bound,
    "maximum": lambda value, bound: not _is_number(value) or value <= bound,
    "exclusiveMinimum": lambda value, bound: not _is_number(value) or value > bound,
    "exclusiveMaximum": lambda value, bound: not _is_number(value) or value < bound,
    "minItems": lambda value, bound: not isinstance(value, list) or len(value) >= bound,
    "maxItems": lambda value, bound: not isinstance(value, list) or len(value) <= bound,
    "minLength": lambda value, bound: not isinstance(value, str) or len(value) >= bound,
    "pattern": lambda value, bound: not isinstance(value, str) or bool(re.search(bound, value)),
    "required": lambda value, bound: not isinstance(value, dict) or value.keys() >= set(bound),
}
STRUCTURE = {
    "type",
    "$ref",
    "anyOf",
    "allOf",
    "if",
    "then",
    "properties",
    "additionalProperties",
    "items",
    "prefixItems",
}
REMARKS = {"title", "description", "default", "$schema", "$defs"}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fits(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    """Whether a value is valid; a keyword that is not known here is an error."""
    if isinstance(schema, bool):
        return schema
    assert schema.keys() <= CHECKS.keys() | STRUCTURE | REMARKS, schema
    if "$ref" in schema and not fits(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root):
        return False
    if "type" in schema:
        is_bool = isinstance(value, bool)
        if not isinstance(value, TYPES[schema["type"]]) or is_bool != (schema["type"] == "boolean"):
            return False
    if not all(check(value, schema[key]) for key, check in CHECKS.items() if key in schema):
        return False
    if "anyOf" in schema and not any(fits(value, one, root) for one in schema["anyOf"]):
        return False
    if not all(fits(value, one, root) for one in schema.get("allOf", ())):
        return False
    if "if" in schema and fits(value, schema["if"], root) and not fits(value, schema["then"], root):
        return False
    if isinstance(value, list):
        first = schema.get("prefixItems", ())
        rest = [schema.get("items", True)] * (len(value) - len(first))
        return all(fits(item, one, root) for item, one in zip(value, [*first, *rest], strict=False))
    if isinstance(value, dict):
        known = schema.get("properties", {})
        further = schema.get("additionalProperties", True)
        return all(fits(item, known.get(key, further), root) for key, item in value.items())
    return True


@pytest.fixture(scope="module")
def schema(catalogue: Catalogue) -> dict[str, Any]:
    return json_schema(catalogue)


def accepted(schema: dict[str, Any], text: str) -> bool:
    return fits(parse_document(text, "r.yml").data, schema, schema)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "branches: 3",
        "branches: [4]",
        "branches: [4, {width: 8, blocks: 3}]",
        "branches: [none, {width: 8, from: model.safetensors}]",
        "branches: [{family: none}, {family: even, width: 8, mode: residual}]",
        "branches: [{family: elsewhere, width: 8, depth: 3}, 8]",
        "branches:",
        "difficulty: network",
        "difficulty: {name: network, model: x}",
        "difficulty: {name: elsewhere, anything: 1}",
        "difficulty: {}",
        "difficulty: {quantiles: [0.5, 0.8]}",
        "difficulty: {name: network, model: x, thresholds: [-35.15, -27.17]}",
        "difficulty: {name: elsewhere, anything: 1, quantiles: null}",
        "losses: {class: 1, target_shares: [0.5, 0.5]}",
        "losses: {target_shares: null}",
        "stages: {joint: {lr: 1e-4, iterations: 0}}",
        "evaluation: {protocols: [whole]}",
        "evaluation: {protocols: [classes], crop: 64}",
        "routing: {patch: 64, stride: 56, loss_db: 0.05, speed: null}",
        "routing: {speed: -8}",
    ],
)
def test_accepted(schema: dict[str, Any], sound: str, line: str) -> None:
    assert accepted(schema, f"{sound}{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "lossses: {}",
        "name: a b",
        "seed: -1",
        "seed: true",
        "branches: 1",
        "branches: []",
        "branches: [4, {blocks: 3}]",
        "branches: [4, {family: even, width: 8, block: 3}]",
        "branches: [4, {family: even, width: 0}]",
        "branches: [4, {width: 8, from: 3}]",
        "branches: [4, {width: 8, block: 3}]",
        "branches: [4, {width: 8, blocks: 0}]",
        "difficulty: {name: network, modl: x}",
        "difficulty: {model: x}",
        "difficulty: {quantiles: [0.5, 1]}",
        "difficulty: {name: network, thresholds: -3}",
        "difficulty: {name: elsewhere, quantiles: 0.5}",
        "losses: {class_: 1}",
        "stages: {joint: {lr: 0}}",
        "evaluation: {protocols: [clasr]}",
        "evaluation: {patch: 64}",
        "routing: {loss_db: -0.1}",
    ],
)
def test_refused(schema: dict[str, Any], sound: str, line: str) -> None:
    assert not accepted(schema, f"{sound}{line}\n")


@pytest.mark.parametrize(
    ("old", "new", "fine"),
    [
        ("{name: zoom, scale: 4}", "zoom", True),
        ("{name: zoom, scale: 4}", "elsewhere", True),
        ("{name: zoom, scale: 4}", "{name: elsewhere, sigma: 4}", True),
        ("{name: zoom, scale: 4}", "{scale: 4}", False),
        ("{name: zoom, scale: 4}", "{name: zoom, scale: 0}", False),
        ("{name: zoom, scale: 4}", "{name: zoom, scal: 4}", False),
        ("backbone: tiny", "backbone: {name: tiny, kernel: {radius: 2}}", True),
        ("backbone: tiny", "backbone: {name: tiny, kernel: {radius: 0}}", False),
        ("train: photos", "train: {source: folder, path: x}", True),
        ("train: photos", "train: {source: folder}", False),
        ("train: photos", "train: {source: photos, split: all}", False),
        ("  test: ../elsewhere\n", "", False),
    ],
)
def test_choices(schema: dict[str, Any], sound: str, old: str, new: str, fine: bool) -> None:
    assert accepted(schema, sound.replace(old, new)) is fine


@pytest.mark.parametrize(
    ("hardness", "fine"),
    [
        ("[0.05, 0.55]", True),
        ("[0.05]", False),
        ("[0, 0.5, 1]", False),
        ("[0, 1.5]", False),
        ("{keep: [0, 1]}", True),
        ("{name: network, keep: [0, 1], model: x}", True),
        ("{name: network, model: x}", False),
        ("{name: network, keep: [0, 1], modl: x}", False),
        ("{keep: [0, 1], model: x}", False),
        ("network", False),
        ("", True),
    ],
)
def test_hardness(schema: dict[str, Any], sound: str, hardness: str, fine: bool) -> None:
    assert accepted(schema, f"{sound}  hardness: {hardness}\n") is fine


@pytest.mark.parametrize(
    ("stages", "fine"),
    [
        ("{baseline: {phases: [{iterations: 3, sub_image: 8, batch: 2, lr: 1e-3, lr_final: 0, loss: mse}]}}", True),
        ("{pretrain: {phases: [], sub_image: null, clip: null, ema: 0.9, reparameterise: true}}", True),
        ("{baseline: {phases: [{sub_image: 8}]}}", False),
        ("{baseline: {phases: [{iterations: 3, warmup: 1}]}}", False),
        ("{baseline: {phases: {iterations: 3}}}", False),
        ("{joint: {phases: []}}", False),
        ("{baseline: {loss: l2}}", False),
        ("{baseline: {ema: 1}}", False),
    ],
)
def test_stages(schema: dict[str, Any], sound: str, stages: str, fine: bool) -> None:
    assert accepted(schema, f"{sound}stages: {stages}\n") is fine


def test_options_of_another_family_say_nothing_about_branches(schema: dict[str, Any], sound: str) -> None:
    assert accepted(schema, sound.replace("tiny", "elsewhere") + "branches: [4, {width: 8, depth: 1}]\n")
    assert not accepted(schema, sound.replace("tiny", "{name: tiny}") + "branches: [4, {width: 8, depth: 1}]\n")


def test_references_lead_somewhere(schema: dict[str, Any]) -> None:
    names = re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schema))
    assert set(names) == set(schema["$defs"])


def test_it_is_for_editors(schema: dict[str, Any], catalogue: Catalogue) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["task", "backbone", "data"]
    assert all("description" in key for key in schema["properties"].values())
    offered = [one.get("const") for one in schema["properties"]["backbone"]["anyOf"][0]["anyOf"]]
    assert offered == [*catalogue.backbones.names(), None]


def test_of_an_empty_catalogue() -> None:
    schema = json_schema(Catalogue())
    assert fits({"task": "x", "backbone": "y", "data": {}}, schema, schema) is False
    data = {"train": "a", "validation": "b", "test": {"source": "c", "d": 1}}
    assert fits({"task": "x", "backbone": "y", "data": data}, schema, schema)
