"""Recipes of one branch: a single network."""

from __future__ import annotations

from typing import Any

import pytest

from restoreroute.app.steps import step_names
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.document import document_from
from restoreroute.recipe.resolve import recipe_text, resolve

ROUTING = "is for routed models; the recipe has one branch, so leave it out"


def test_one_branch_is_a_single_network(resolved: Any, sound: str) -> None:
    plan = resolved(sound + "branches: [8]\nstages: {baseline: {iterations: 5}}\n")

    assert [branch.name for branch in plan.branches] == ["tiny-8"]
    assert plan.difficulty is None
    assert plan.stage_names == ("baseline",)
    assert step_names(plan) == ("data", "baseline", "evaluate classsr", "evaluate whole")
    assert not any("difficulty" in provider for provider in plan.providers), "nothing is ranked"


def test_the_resolved_recipe_says_nothing_of_routing(resolved: Any, sound: str, catalogue: Catalogue) -> None:
    plan = resolved(sound + "branches: [{width: 8, blocks: 3, from: a.safetensors}]\n")

    assert not plan.recipe.keys() & {"class_module", "losses", "difficulty"}
    assert plan.recipe["stages"].keys() == {"baseline"}
    assert plan.recipe["routing"] == {"patch": 32, "stride": 28}
    assert "pretrain" not in recipe_text(plan)
    assert resolve(document_from(dict(plan.recipe)), catalogue) == plan


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("class_module: {width: 8}", f"8:1: class_module: {ROUTING}"),
        ("losses: {average: 1}", f"8:1: losses: {ROUTING}"),
        ("difficulty: network", f"8:1: difficulty: {ROUTING}"),
        ("stages: {pretrain: {per_branch: [5, 6]}}", f"8:10: stages.pretrain: {ROUTING}"),
        ("stages: {class_module: {iterations: 0}}", f"8:10: stages.class_module: {ROUTING}"),
        ("stages: {baseline: {lr: 1e-4}, joint: {}}", f"8:32: stages.joint: {ROUTING}"),
        ("routing: {speed: 0.5}", f"8:11: routing.speed: {ROUTING}"),
        ("routing: {patch: 64, loss_db: 0.1}", f"8:22: routing.loss_db: {ROUTING}"),
        (
            "evaluation: {protocols: [whole, classes]}",
            "8:33: evaluation.protocols.1: measures the difficulty classes of routed models; the recipe has one "
            "branch, so leave it out",
        ),
        (
            "stages: {baseline: {iterations: 0}}",
            "8:33: stages.baseline.iterations: must be at least 1, not 0: the one branch is trained by this stage and "
            "starts from no file",
        ),
    ],
)
def test_what_a_single_network_has_no_use_for(problems: Any, sound: str, line: str, message: str) -> None:
    assert problems(f"{sound}branches: [8]\n{line}\n") == [f"r.yml:{message}"]


def test_everything_that_is_wrong_is_said_at_once(problems: Any, sound: str) -> None:
    text = "branches: [8]\nlosses: {target_shares: [1, 2]}\ndifficulty: {quantiles: [0.5]}\nstages: {joint: {lr: -1}}\n"

    found = problems(sound + text)

    assert [line.split(": ")[1] for line in found if ROUTING in line] == ["losses", "difficulty", "stages.joint"]


def test_a_network_from_a_file_needs_no_training(resolved: Any, sound: str) -> None:
    plan = resolved(sound + "branches: [{width: 8, from: a.safetensors}]\nstages: {baseline: {iterations: 0}}\n")

    assert plan.has_baseline
    assert step_names(plan) == ("data", "evaluate classsr", "evaluate whole")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("branches: [none]", "7:12: branches.0: none has nothing to train"),
        ("branches: []", "7:11: branches: must hold at least one branch: two or more for a routed model, one for a"),
        ("branches: 1", "7:11: branches: must be at least 2, not 1"),
        ("branches: [16, {width: 8, from: a}, 8]", "7:37: branches.2: is the same as branches.1"),
    ],
)
def test_branches_that_make_no_model(problems: Any, sound: str, line: str, message: str) -> None:
    (found,) = problems(f"{sound}{line}\n")
    assert found.startswith(f"r.yml:{message}")
