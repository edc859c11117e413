"""Overrides: how they are read, where they apply, and what is said about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restoreroute.errors import RecipeError
from restoreroute.recipe.document import parse_document
from restoreroute.recipe.overrides import apply_overrides, parse_overrides

TEXT = """\
task: zoom
difficulty: network
branches: [4, {width: 8}]
data: {train: photos, test: ../elsewhere}
stages:
losses: {image: 2}
"""


def applied(*overrides: str) -> dict[str, Any]:
    document = apply_overrides(parse_document(TEXT, "r.yml"), parse_overrides(overrides), {"photos"})
    assert document.problems == ()
    return document.data


def refused(*overrides: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_overrides(overrides)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "keys", "value"),
    [
        ("stages.joint.lr=1e-4", ("stages", "joint", "lr"), 1e-4),
        ("branches=[16, 56]", ("branches",), [16, 56]),
        ("branches=[16, {width: 56}]", ("branches",), [16, {"width": 56}]),
        ("data.train=../photos", ("data", "train"), "../photos"),
        ("name=a=b", ("name",), "a=b"),
        ("name=", ("name",), None),
        ("name=no", ("name",), "no"),
        ("name='5'", ("name",), "5"),
        (r"data.train=C:\photos", ("data", "train"), r"C:\photos"),
        ("data.train=$HOME/ü", ("data", "train"), "$HOME/ü"),
    ],
)
def test_text(text: str, keys: tuple[str, ...], value: object) -> None:
    [override] = parse_overrides([text])
    assert (override.keys, override.value, override.text) == (keys, value, text)


def test_one_text_alone() -> None:
    assert parse_overrides("seed=3") == parse_overrides(["seed=3"])


def test_values_from_python() -> None:
    overrides = parse_overrides({"data.train": Path("x"), "branches": (4, 8), "seed": 3, "name": "5"})
    assert [override.value for override in overrides] == ["x", [4, 8], 3, "5"]
    assert overrides[2].text == "seed=3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed", "override seed: an override is key=value, such as stages.joint.lr=1e-4"),
        ("=3", "override =3: '' is no key; a key is names joined by '.'"),
        ("a..b=3", "override a..b=3: 'a..b' is no key; a key is names joined by '.'"),
        ("branches=[1", "override branches=[1: branches: a ',' or ']' is missing"),
        ("a={b: 1, b: 2}", "override a={b: 1, b: 2}: a.b: the key is given twice; first on line 1, column 2"),
        ("a=!x 1", "override a=!x 1: a: the tag '!x' has no meaning here"),
    ],
)
def test_texts_that_are_no_override(text: str, message: str) -> None:
    assert refused(text) == [message]


def test_all_bad_overrides_at_once() -> None:
    assert len(refused("seed", "name=x", "a..b=3")) == 2


def test_values_from_python_are_plain() -> None:
    with pytest.raises(RecipeError, match=r"^override x.y=\{1\}: x.y: must be plain data such as YAML has, not set$"):
        parse_overrides({"x.y": {1}})


def test_mappings_on_the_way_are_made() -> None:
    data = applied("stages.joint.lr=1", "routing.patch=8", "losses.class=2")
    assert data["stages"] == {"joint": {"lr": 1}}
    assert data["routing"] == {"patch": 8}
    assert data["losses"] == {"image": 2, "class": 2}


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("task.scale=2", "task", {"name": "zoom", "scale": 2}),
        ("task.name=other", "task", {"name": "other"}),
        ("difficulty.model=x", "difficulty", {"name": "network", "model": "x"}),
        ("branches.0=20", "branches", [20, {"width": 8}]),
        ("branches.0.blocks=3", "branches", [{"width": 4, "blocks": 3}, {"width": 8}]),
        ("branches.1.blocks=3", "branches", [4, {"width": 8, "blocks": 3}]),
        (
            "data.train.split=test",
            "data",
            {"train": {"source": "photos", "split": "test"}, "test": "../elsewhere"},
        ),
        (
            "data.test.path=here",
            "data",
            {"train": "photos", "test": {"source": "folder", "path": "here"}},
        ),
    ],
)
def test_shorthands_on_the_way_are_written_out(override: str, key: str, value: object) -> None:
    assert applied(override)[key] == value


def test_later_overrides_win() -> None:
    assert applied("task.scale=2", "task=other")["task"] == "other"
    assert applied("task=other", "task.scale=2")["task"] == {"name": "other", "scale": 2}


def test_the_document_stays_as_it_was() -> None:
    document = parse_document(TEXT, "r.yml")
    apply_overrides(document, parse_overrides(["task.scale=2", "branches.1.width=9"]), ())
    assert document.data == parse_document(TEXT, "r.yml").data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("branches.2=9", "there is no item 2; 'branches' has 2, counted from 0"),
        ("branches.first=9", "'branches' is a list; its items are branches.0, branches.1, ..."),
        ("branches.-1=9", "'branches' is a list; its items are branches.0, branches.1, ..."),
        ("losses.image.x=9", "'losses.image' is 2, which has no keys"),
    ],
)
def test_overrides_that_fit_nowhere(text: str, message: str) -> None:
    document = apply_overrides(parse_document(TEXT, "r.yml"), parse_overrides([text]), ())
    key = text.partition("=")[0]
    assert [str(problem) for problem in document.problems] == [f"override {text}: {key}: {message}"]


def test_problems_name_the_override(problems: Any, sound: str) -> None:
    found = problems(
        sound + "stages: {joint: {lr: x}, pretrain: {lr: x}}\n",
        ["stages.joint.lr=1e-4x", "losses.wrong=1", "task=zom", "branches=[4, {width: 0}]"],
    )
    assert found[0] == "r.yml:7:41: stages.pretrain.lr: must be a number, not text 'x'"
    assert sorted(found[1:]) == [
        "override branches=[4, {width: 0}]: branches.1.width: must be at least 1, not 0",
        "override losses.wrong=1: losses.wrong: unknown key; known: image, class, average, target_shares",
        "override stages.joint.lr=1e-4x: stages.joint.lr: must be a number, not text '1e-4x'",
        "override task=zom: task.name: unknown task 'zom' (did you mean 'zoom'?)",
    ]


def test_keys_around_an_override_keep_their_places(problems: Any, sound: str) -> None:
    text = sound.replace("{name: zoom, scale: 4}", "zom")
    assert problems(text, ["task.scale=4"]) == ["r.yml:1:7: task.name: unknown task 'zom' (did you mean 'zoom'?)"]
    text = sound + "stages: {joint: {batch: 0}}\n"
    assert problems(text, {"stages.joint.lr": -1}) == [
        "r.yml:7:25: stages.joint.batch: must be at least 1, not 0",
        "override stages.joint.lr=-1: stages.joint.lr: must be greater than 0, not -1",
    ]


def test_an_override_mends_what_is_wrong(problems: Any, sound: str) -> None:
    text = sound.replace("backbone: tiny", "backbone: tinny")
    assert problems(text)
    assert problems(text, ["backbone=tiny"]) == []
