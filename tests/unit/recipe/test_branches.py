"""Branches of any kind: widths, options, other families, files to start from."""

from __future__ import annotations

from typing import Any

import pytest

from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.document import document_from
from restoreroute.recipe.resolve import resolve

MIXED = "branches: [none, 4, {width: 8, blocks: 3, from: trained.safetensors}, {family: even, width: 16}]\n"


def test_one_list_may_mix_families_widths_and_options(resolved: Any, sound: str) -> None:
    plan = resolved(sound + MIXED)

    assert [branch.name for branch in plan.branches] == ["none", "tiny-4", "tiny-8 blocks=3", "even-16"]
    assert [branch.width for branch in plan.branches] == [1, 4, 8, 16]
    assert [branch.start for branch in plan.branches] == [None, None, "trained.safetensors", None]
    assert {"backbone family none", "backbone family even", "backbone family tiny"} <= plan.providers.keys()


def test_the_resolved_recipe_gives_the_same_branches(resolved: Any, sound: str, catalogue: Catalogue) -> None:
    plan = resolved(sound.replace("backbone: tiny", "backbone: {name: tiny, mode: residual}") + MIXED)

    again = resolve(document_from(dict(plan.recipe)), catalogue)

    assert again.branches == plan.branches
    assert again.recipe == plan.recipe


def test_options_under_backbone_are_for_its_own_family(resolved: Any, sound: str) -> None:
    plan = resolved(sound.replace("backbone: tiny", "backbone: {name: tiny, blocks: 5}") + MIXED)

    assert [branch.options.model_dump().get("blocks") for branch in plan.branches] == [None, 5, 3, 2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("branches: [non, 4]", "7:12: branches.0.family: unknown backbone family 'non' (did you mean 'none'?)"),
        ("branches: [tiny, 4]", "7:12: branches.0.width: missing: published widths of 'tiny' are 4, 8, 16"),
        (
            "branches: [none, {family: even, width: 8, block: 3}]",
            "7:43: branches.1.block: unknown key; did you mean 'blocks'?",
        ),
        ("branches: [4, {width: 8, from: 3}]", "7:32: branches.1.from: must be text, not 3"),
        ("branches: [4, {width: 4, from: a}]", "7:15: branches.1: is the same as branches.0"),
        ("branches: [none, none]", "7:18: branches.1: is the same as branches.0"),
    ],
)
def test_what_is_wrong_with_a_branch(problems: Any, sound: str, line: str, message: str) -> None:
    (found,) = problems(f"{sound}{line}\n")

    assert found == f"r.yml:{message}"


def test_every_family_has_to_serve_the_scale(problems: Any, sound: str) -> None:
    (found,) = problems(sound.replace("scale: 4", "scale: 2") + "branches: [4, {family: even, width: 8}]\n")

    assert found.startswith("r.yml:7:24: branches.1.family: backbone family 'even' serves scale 4, 8, not the task's 2")


def test_a_family_of_one_width_makes_no_branches_by_itself(problems: Any, sound: str) -> None:
    (found,) = problems(sound.replace("backbone: tiny", "backbone: none"))

    assert "'none' has one width only: list the branches" in found


def test_the_full_network_can_start_from_the_baseline_even_where_no_other_branch_can(resolved: Any, sound: str) -> None:
    for branches in ("[4, {family: even, width: 16}]", "[4, 8]"):  # the families of these tests can't narrow
        plan = resolved(f"{sound}branches: {branches}\nstages: {{pretrain: {{start: baseline}}}}\n")
        assert plan.stages.pretrain.start == "baseline"


@pytest.mark.parametrize(
    ("pretrain", "message"),
    [
        ("{per_branch: [5]}", "must have one number of updates for each of the 2 branches, not 1"),
        ("{per_branch: [5, 20], warmup: 5}", "must be more than the warm-up of 5, not 5"),
        ("{per_branch: [5, -1]}", "must be at least 0, not -1"),
    ],
)
def test_updates_of_each_branch(problems: Any, sound: str, pretrain: str, message: str) -> None:
    (found,) = problems(f"{sound}branches: [4, 8]\nstages: {{pretrain: {pretrain}}}\n")
    assert "stages.pretrain.per_branch" in found
    assert message in found


def test_a_file_to_start_from_is_a_baseline(resolved: Any, problems: Any, sound: str) -> None:
    untrained = "stages: {baseline: {iterations: 0}, pretrain: {distil: 0.5}}\n"

    plan = resolved(sound + "branches: [4, {width: 8, from: model.safetensors}]\n" + untrained)
    assert plan.has_baseline
    (found,) = problems(sound + "branches: [4, 8]\n" + untrained)
    assert "stages.pretrain.distil: there is no baseline to learn from" in found
