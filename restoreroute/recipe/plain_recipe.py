"""A plan as a recipe again: everything said, nothing left to defaults."""

from __future__ import annotations

from typing import Any

import yaml

from restoreroute.recipe.single import without_routing
from restoreroute.recipe.yaml_core import CoreDumper
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan, DifficultyPlan, HardnessPlan, RunPlan, SourcePlan


def plain_recipe(plan: RunPlan, family: BackboneFamily, backbone: Options) -> dict[str, Any]:
    """Plain data that resolves to an equal plan.

    Args:
        plan: a plan; its own ``recipe`` is not read.
        family: of branches that name no other.
        backbone: its options, which such branches have where they say nothing else.
    """
    recipe = {
        "name": plan.name,
        "seed": plan.seed,
        "task": {"name": plan.task.offer.name, **dumped(plan.task.options)},
        "backbone": {"name": family.name, **dumped(backbone)},
        "branches": [_branch(branch, family, backbone) for branch in plan.branches],
        "class_module": dumped(plan.class_module),
        "losses": dumped(plan.losses),
        "data": {
            "train": _source(plan.data.train),
            "validation": _source(plan.data.validation),
            "test": _source(plan.data.test),
            "sub_image": plan.data.sub_image,
            "step": plan.data.step,
            "clean_scales": list(plan.data.clean_scales),
            "augment": plan.data.augment,
            "shuffle_colours": plan.data.shuffle_colours,
            "hardness": _hardness(plan.data.hardness),
        },
        "difficulty": None if plan.difficulty is None else _difficulty(plan.difficulty),
        "stages": dumped(plan.stages),
        "routing": dumped(plan.routing),
        "evaluation": {"protocols": list(plan.evaluation.protocols), "crop": plan.evaluation.crop},
    }
    return without_routing(recipe) if plan.difficulty is None else recipe


def recipe_text(plan: RunPlan) -> str:
    """The plan's recipe as YAML, such as is written to ``recipe.resolved.yml``."""
    head = (
        f"# {plan.name}: the whole recipe of a run, with all defaults.\n"
        "# Run it again from the same working folder: restoreroute run <this file>\n"
    )
    body = yaml.dump(
        dict(plan.recipe),
        Dumper=CoreDumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )
    return head + body


def dumped(options: Options) -> dict[str, Any]:
    """Options as plain data under the keys that recipes use."""
    return options.model_dump(mode="json", by_alias=True)


def _difficulty(difficulty: DifficultyPlan) -> dict[str, Any]:
    edges = {"quantiles": difficulty.quantiles, "thresholds": difficulty.thresholds}
    given = {key: list(values) for key, values in edges.items() if values is not None}
    return {"name": difficulty.offer.name, **given, **dumped(difficulty.options)}


def _hardness(hardness: HardnessPlan | None) -> dict[str, Any] | None:
    if hardness is None:
        return None
    return {"name": hardness.offer.name, "keep": list(hardness.keep), **dumped(hardness.options)}


def _source(source: SourcePlan) -> dict[str, Any]:
    return {"source": source.offer.name, **dumped(source.options)}


def _branch(branch: BranchPlan, family: BackboneFamily, backbone: Options) -> int | dict[str, Any]:
    same = branch.family is family
    common = dumped(backbone) if same else {}
    own = {key: value for key, value in dumped(branch.options).items() if key not in common or value != common[key]}
    head = {} if same else {"family": branch.family.name}
    tail = {} if branch.start is None else {"from": branch.start}
    return {**head, "width": branch.width, **own, **tail} if head or own or tail else branch.width
