"""Documents: syntax errors in plain words, keys given twice, places of keys and values."""

from __future__ import annotations

import pytest

from restoreroute.errors import RecipeError
from restoreroute.recipe.document import Document, document_from, parse_document
from restoreroute.recipe.places import Place


def parse(text: str) -> Document:
    return parse_document(text, "r.yml")


def refused(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\tb: 1", "r.yml:2:1: a tab character; indent and separate with spaces"),
        ("a: 1\n\tb: 2", "r.yml:2:1: a tab character; indent and separate with spaces"),
        ("a:\tb", "r.yml:1:3: a tab character; indent and separate with spaces"),
        (
            "a: b: c",
            "r.yml:1:5: a ':' that doesn't belong here; check the indentation, or put the text in quotes",
        ),
        (
            "a: 1\n  b: 2",
            "r.yml:2:4: a ':' that doesn't belong here; check the indentation, or put the text in quotes",
        ),
        ("a: [1, 2\nb: 3", "r.yml:2:2: a ',' or ']' is missing"),
        ("a: {b: 1", "r.yml:1:9: a ',' or '}' is missing"),
        ("a: 'x\nb: 3\n", "r.yml:3:1: a quote is not closed"),
        ('a: "\\q"', "r.yml:1:6: '\\q' means nothing in double quotes; use single quotes"),
        ("a: *x", "r.yml:1:4: the alias '*x' has no anchor '&x' before it"),
        ("a: &x 1\nb: &x 2\n", "r.yml:2:4: the anchor '&x' is defined twice"),
        ("a: @x", "r.yml:1:4: text that begins with '@' needs quotes"),
        ("a: - b", "r.yml:1:4: a '-' that doesn't belong here; a list starts on a line of its own"),
        ("a:\n  b: 1\n c: 2", "r.yml:3:2: the indentation doesn't fit the lines above"),
        ("a: ]", "r.yml:1:4: a value is missing"),
        ("a: 1\n---\nb: 2", "r.yml:2:1: a second document; a recipe is one"),
        ("a: 1\nb: x\x01y", "r.yml:2:5: the character U+0001 can't be part of YAML"),
        ("- 1", "r.yml:1:1: a recipe is a mapping of keys to values, not a list"),
        ("\nhello", "r.yml:2:1: a recipe is a mapping of keys to values, not the text 'hello'"),
        ("", "r.yml: is empty; a recipe needs task, backbone and data"),
        ("# only this\n", "r.yml: is empty; a recipe needs task, backbone and data"),
        ("a: " + "[" * 500, "r.yml: is nested too deeply"),
        ("a: !<x", "r.yml:1:7: expected '>', but found '\\x00'"),
    ],
)
def test_syntax(text: str, message: str) -> None:
    assert refused(text) == message


def test_aliases_that_multiply_are_refused() -> None:
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 9))
    assert refused(f"l0: &l0 [1]\n{levels}\n") == "r.yml: has more than 100000 values; too many for a recipe"


def test_aliases_that_nest_deeply_are_refused() -> None:
    levels = "\n".join(f"l{i}: &l{i} [*l{i - 1}]" for i in range(1, 60))
    assert refused(f"l0: &l0 [1]\n{levels}\n") == "r.yml: is nested too deeply"


def test_all_problems_of_the_text_at_once() -> None:
    document = parse(
        "a: 1\n"
        "b: {c: 1, d: 2, c: 3}\n"
        "a: 2\n"
        "5: x\n"
        "? [x]\n"
        ": y\n"
        "<<: {e: 1}\n"
        "f: &f [*f]\n"
        "g: !custom 1\n"
        "h: !!python/name:os.system ''\n"
        "i: !!set {x}\n"
    )
    assert [str(problem) for problem in document.problems] == [
        "r.yml:2:17: b.c: the key is given twice; first on line 2, column 5",
        "r.yml:3:1: a: the key is given twice; first on line 1, column 1",
        "r.yml:4:1: 5: a key has to be text; in quotes it is",
        "r.yml:5:3: a key has to be text",
        "r.yml:7:1: <<: merge keys are not part of YAML 1.2; write the keys out",
        "r.yml:8:4: f.0: contains itself",
        "r.yml:9:4: g: the tag '!custom' has no meaning here",
        "r.yml:10:4: h: the tag '!!python/name:os.system' has no meaning here",
        "r.yml:11:4: i: the tag '!!set' has no meaning here",
    ]
    assert document.data["a"] == 1
    assert document.data["b"] == {"c": 1, "d": 2}


def test_aliases_stand_for_copies() -> None:
    data = parse("a: &x {b: [1]}\nc: *x\n").data
    assert data == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert data["a"] is not data["c"]


def test_places_of_keys_and_values() -> None:
    places = parse("# head\na:\n  b: [1, {c: x}]\n'd': 2\n").places
    expected = {("a",): (2, 1), ("a", "b"): (3, 3), ("a", "b", 1, "c"): (3, 11), ("d",): (4, 1)}
    assert {path: (place.line, place.column) for path, place in places.keys.items()} == expected
    assert places.of_value(("a", "b")) == Place("r.yml", 3, 6)
    assert places.of_value(("a", "b", 0)) == Place("r.yml", 3, 7)
    assert places.of_value(("a", "b", 1, "c")) == Place("r.yml", 3, 14)
    assert places.of_value(()) == Place("r.yml", 2, 1)


def test_a_path_without_a_place_has_that_of_the_key_above() -> None:
    places = parse("a:\n  b: [1]\n").places
    assert places.of_value(("a", "x")) == places.of_key(("a",)) == Place("r.yml", 1, 1)
    assert places.of_value(("a", "b", 0, "x", 5)) == Place("r.yml", 2, 7)
    assert places.of_key(("x",)) == Place("r.yml", 1, 1)


def test_a_document_from_python_has_no_lines() -> None:
    document = document_from({"a": (1, 2), "b": {"c": None}}, "saved recipe")
    assert document.data == {"a": [1, 2], "b": {"c": None}}
    assert document.places.of_value(("a", 0)) == Place("saved recipe")


def test_a_document_from_python_is_plain_data() -> None:
    with pytest.raises(RecipeError) as caught:
        document_from({"a": {1, 2}, "b": [{3: 4}], "c": "\ud800"})
    assert str(caught.value).splitlines() == [
        "recipe: a: must be plain data such as YAML has, not set",
        "recipe: b.0.3: a key has to be text",
        "recipe: c: must be Unicode text",
    ]
