"""YAML 1.2's core schema, where PyYAML by itself follows 1.1."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from restoreroute.recipe.document import parse_document
from restoreroute.recipe.yaml_core import CoreDumper


def value_of(text: str) -> Any:
    return parse_document(f"key: {text}\n", "r.yml").data["key"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("2e-4", 2e-4),
        ("1e5", 1e5),
        ("1E+5", 1e5),
        ("1.e3", 1e3),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("False", False),
        ("FALSE", False),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("~", None),
        ("", None),
    ],
)
def test_plain_scalars_with_a_meaning(text: str, value: object) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


def test_nan() -> None:
    assert math.isnan(value_of(".nan"))


@pytest.mark.parametrize(
    "text",
    [
        *("no", "yes", "on", "off", "y", "N", "Yes", "tRUE", "nULL", "none"),
        *("1:30", "190:20:30", "2024-01-01", "1_000", "0b11", "0xZ", "0o8", "+0x1", "-0o7"),
        *("1e", "e5", ".", "+", "-.", "1.2.3", "inf", "nan", "+.nan", "=", "1e5x", "٣"),
    ],
)
def test_plain_scalars_that_are_text(text: str) -> None:
    assert value_of(text) == text


@pytest.mark.parametrize("text", ["'1'", '"true"', "'null'", "''", "!!str 5", "|\n  12"])
def test_quoted_scalars_are_text(text: str) -> None:
    assert isinstance(value_of(text), str)


@pytest.mark.parametrize(("text", "value"), [("!!float 5", 5.0), ("!!int 0x10", 16), ("!!bool TRUE", True)])
def test_tags_of_the_core_schema(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!int x", "'x' is not what its tag '!!int' says"),
        ("!!bool yes", "'yes' is not what its tag '!!bool' says"),
        ("9" * 200, "a number of more than 100 characters"),
        ('"\\ud800"', "text with half a surrogate pair, which is no Unicode text"),
    ],
)
def test_scalars_without_a_value(text: str, message: str) -> None:
    [problem] = parse_document(f"key: {text}\n", "r.yml").problems
    assert str(problem) == f"r.yml:1:6: key: {message}"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["1e5", "no", "0o7", "1:30", "~", "2024-01-01", "", "=", "<<", "- a", "# b", "1_0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def as_yaml(data: object) -> str:
    return yaml.dump(data, Dumper=CoreDumper, sort_keys=False, allow_unicode=True)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), plain, min_size=1, max_size=4))
def test_what_is_written_reads_the_same(data: dict[str, Any]) -> None:
    document = parse_document(as_yaml(data), "r.yml")
    assert document.problems == ()
    assert document.data == data
    assert repr(document.data) == repr(data)  # 1 == 1.0 == True


@given(plain)
def test_yaml_1_1_readers_read_the_same(value: object) -> None:
    assert repr(yaml.safe_load(as_yaml([value]))) == repr([value])
