"""Plans: what a recipe turns into, and the recipe that a plan turns into again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.document import document_from, parse_document
from restoreroute.recipe.resolve import name_from, recipe_text, resolve
from restoreroute.spec.plan import Provider, RunPlan
from restoreroute.spec.stages import ClassModuleOptions, LossOptions, Stages


def branches_of(plan: RunPlan) -> list[tuple[int, int]]:
    return [(branch.width, branch.options.blocks) for branch in plan.branches]  # type: ignore[attr-defined]


def test_defaults(resolved: Any, sound: str) -> None:
    plan = resolved(sound)
    assert (plan.name, plan.seed) == ("r", 0)
    assert plan.task.bound.scale == 4
    assert branches_of(plan) == [(4, 2), (8, 2), (16, 2)]
    assert (plan.class_module, plan.losses, plan.stages) == (ClassModuleOptions(), LossOptions(), Stages())
    assert (plan.data.sub_image, plan.data.step, plan.data.clean_scales, plan.data.augment) == (
        *(32, 16),
        *((1.0,), True),
    )
    assert plan.difficulty.offer.name == "interpolation"
    assert plan.difficulty.quantiles is plan.difficulty.thresholds is None
    assert (plan.evaluation.protocols, plan.routing.patch, plan.routing.stride) == (
        *(("classsr", "whole"), 32),
        28,
    )


def test_sources(resolved: Any, sound: str) -> None:
    data = resolved(sound).data
    assert (data.train.offer.name, data.train.options.split) == ("photos", "train")
    assert (data.validation.offer.name, data.validation.options.split) == ("photos", "test")
    assert (data.test.offer.name, data.test.options.path) == ("folder", "../elsewhere")


def test_providers_of_all_that_is_named(resolved: Any, sound: str) -> None:
    assert resolved(sound).providers == {
        "backbone family tiny": Provider(distribution="from-tiny", version="1.0"),
        "data source folder": Provider(distribution="from-folder", version="1.0"),
        "data source photos": Provider(distribution="from-photos", version="1.0"),
        "difficulty estimator interpolation": Provider(distribution="from-interpolation", version="1.0"),
        "task zoom": Provider(distribution="from-zoom", version="1.0"),
    }


@pytest.mark.parametrize(
    ("backbone", "branches", "expected"),
    [
        ("tiny", "null", [(4, 2), (8, 2), (16, 2)]),
        ("tiny", "2", [(4, 2), (8, 2)]),
        ("tiny", "5", [(4, 2), (8, 2), (12, 2), (16, 2), (20, 2)]),
        ("tiny", "[9, 3]", [(9, 2), (3, 2)]),
        ("{name: tiny, blocks: 7}", "[3, {width: 3, blocks: 1}]", [(3, 7), (3, 1)]),
        ("{name: tiny, blocks: 7, mode: residual}", "[3, {width: 4, mode: plain}]", [(3, 7), (4, 7)]),
    ],
)
def test_branches(resolved: Any, sound: str, backbone: str, branches: str, expected: list[Any]) -> None:
    text = sound.replace("backbone: tiny", f"backbone: {backbone}") + f"branches: {branches}\n"
    assert branches_of(resolved(text)) == expected


def test_whole_numbers_are_numbers(resolved: Any, sound: str) -> None:
    plan = resolved(sound + "losses: {image: 1000, target_shares: [0.2, 0.3, 0.5]}\nstages: {joint: {lr: 2e-4}}\n")
    assert plan.losses.image == 1000.0
    assert plan.losses.target_shares == (0.2, 0.3, 0.5)
    assert plan.stages.joint.lr == 2e-4


def test_a_skipped_stage_needs_no_sound_warmup(resolved: Any, sound: str) -> None:
    assert resolved(sound + "stages: {joint: {iterations: 0, warmup: 5}}\n").stages.joint.iterations == 0


def test_options_of_the_default_difficulty_estimator(resolved: Any, sound: str) -> None:
    plan = resolved(sound, ["difficulty=network", "difficulty.model=x.safetensors"])
    assert plan.difficulty.options.model == "x.safetensors"


def test_where_difficulty_classes_end(resolved: Any, sound: str) -> None:
    plan = resolved(sound, ["difficulty.name=network", "difficulty.model=x", "difficulty.quantiles=[0.5, 0.8]"])
    assert (plan.difficulty.quantiles, plan.difficulty.thresholds) == ((0.5, 0.8), None)
    assert plan.difficulty.options.model == "x"
    assert plan.recipe["difficulty"] == {"name": "network", "quantiles": [0.5, 0.8], "model": "x"}
    plan = resolved(sound + "branches: 2\n", {"difficulty.thresholds": [-30]})
    assert (plan.difficulty.quantiles, plan.difficulty.thresholds) == (None, (-30.0,))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("sr_fsrcnn.yml", "sr_fsrcnn"),
        ("recipe.resolved.yml", "recipe.resolved"),
        ("my best (2).yml", "my-best-2"),
        (".hidden.yml", "hidden"),
        ("ü.yml", "recipe"),
    ],
)
def test_the_name_comes_from_the_file(resolved: Any, sound: str, file: str, name: str) -> None:
    assert resolved(sound, file=file).name == name
    assert name_from(Path(file)) == name


def test_overrides_from_text_and_from_python(resolved: Any, sound: str) -> None:
    texts = ["stages.joint.lr=1e-4", "branches=[16, 56]", "data.train=../photos", "task.scale=2", "name=x"]
    values = {
        "stages.joint.lr": 1e-4,
        "branches": (16, 56),
        "data.train": Path("../photos"),
        "task.scale": 2,
        "name": "x",
    }
    plan = resolved(sound, texts)
    assert plan == resolved(sound, values)
    assert plan.stages.joint.lr == 1e-4
    assert branches_of(plan) == [(16, 2), (56, 2)]
    assert plan.data.train.options.path == "../photos"
    assert (plan.task.bound.scale, plan.name) == (2, "x")


RICH = """\
name: "1e5"
seed: 3
branches: [8, {width: 8, mode: residual}, {width: 16, kernel: {radius: 2}}]
losses: {class: 2, target_shares: [0.2, 0.3, 0.5]}
difficulty: {name: network, model: "no"}
stages: {class_module: {pool: 7, lr: 3e-7}}
routing: {patch: 24, stride: 24, speed: -8}
evaluation: {protocols: [whole]}
"""


@pytest.mark.parametrize(
    "more",
    [
        "",
        RICH,
        "branches: 2\n",
        "difficulty: {name: network, quantiles: [0.5, 0.8]}\n",
        "difficulty: {thresholds: [-35.15, -27]}\nevaluation: {protocols: [classes], crop: 64}\n",
    ],
)
def test_the_plans_recipe_resolves_to_an_equal_plan(resolved: Any, catalogue: Catalogue, sound: str, more: str) -> None:
    plan = resolved(sound + more)
    assert resolve(document_from(plan.recipe), catalogue) == plan
    assert resolve(document_from(json.loads(json.dumps(plan.recipe))), catalogue) == plan
    assert resolved(recipe_text(plan), file="recipe.resolved.yml") == plan


def test_the_plans_recipe_says_everything(resolved: Any, sound: str) -> None:
    recipe = resolved(sound + RICH).recipe
    assert recipe["task"] == {"name": "zoom", "scale": 4}
    assert recipe["backbone"] == {"name": "tiny", "blocks": 2, "mode": "plain", "kernel": {"radius": 1.0}}
    assert recipe["branches"] == [
        8,
        {"width": 8, "mode": "residual"},
        {"width": 16, "kernel": {"radius": 2.0}},
    ]
    assert recipe["data"]["train"] == {"source": "photos", "split": "train"}
    assert recipe["data"]["test"] == {"source": "folder", "path": "../elsewhere"}
    assert recipe["losses"] == {
        "image": 2000.0,
        "class": 2.0,
        "average": 6.0,
        "target_shares": [0.2, 0.3, 0.5],
    }
    assert recipe["stages"]["joint"]["beta2"] == 0.99
    assert recipe["routing"] == {"patch": 24, "stride": 24, "loss_db": 0.02, "speed": -8.0}
    assert recipe["evaluation"] == {"protocols": ["whole"], "crop": None}


def test_the_text_can_be_read_by_any_yaml_reader(resolved: Any, sound: str) -> None:
    plan = resolved(sound + RICH)
    text = recipe_text(plan)
    assert text.startswith("# 1e5: ")
    assert yaml.safe_load(text) == plan.recipe
    assert parse_document(text, "r.yml").data == plan.recipe


@given(
    scale=st.sampled_from([2, 4]),
    widths=st.lists(st.integers(1, 99), min_size=2, max_size=5, unique=True),
    blocks=st.integers(1, 9),
    rate=st.floats(1e-12, 1e3),
    path=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    scales=st.lists(st.floats(0, 1, exclude_min=True), min_size=1, max_size=3),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_plan_survives_its_text(
    catalogue: Catalogue,
    scale: int,
    widths: list[int],
    blocks: int,
    rate: float,
    path: str,
    scales: list[float],
    seed: int,
) -> None:
    recipe = {
        "name": "x",
        "seed": seed,
        "task": {"name": "zoom", "scale": scale},
        "backbone": "tiny",
        "branches": [widths[0], *({"width": width, "blocks": blocks} for width in widths[1:])],
        "data": {
            "train": {"source": "folder", "path": path},
            "validation": "photos",
            "test": "photos",
            "clean_scales": scales,
        },
        "stages": {"joint": {"lr": rate}},
    }
    plan = resolve(document_from(recipe), catalogue)
    assert plan.data.train.options.path == path  # type: ignore[attr-defined]
    assert resolve(parse_document(recipe_text(plan), "r.yml"), catalogue) == plan
