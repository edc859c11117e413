"""A plan as a recipe again: everything said, nothing left to defaults."""

from __future__ import annotations

from typing import Any

import yaml

from restoreroute.recipe.yaml_core import CoreDumper
from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan, RunPlan, SourcePlan


def plain_recipe(plan: RunPlan, backbone: Options) -> dict[str, Any]:
    """Plain data that resolves to an equal plan.

    Args:
        plan: a plan; its own ``recipe`` is not read.
        backbone: the family's options that branches have where they say nothing else.
    """
    family = plan.branches[0].family
    evaluation = plan.evaluation
    return {
        "name": plan.name,
        "seed": plan.seed,
        "task": {"name": plan.task.offer.name, **dumped(plan.task.options)},
        "backbone": {"name": family.name, **dumped(backbone)},
        "branches": [_branch(branch, backbone) for branch in plan.branches],
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
        },
        "difficulty": {"name": plan.difficulty.offer.name, **dumped(plan.difficulty.options)},
        "stages": dumped(plan.stages),
        "evaluation": {
            "protocols": list(evaluation.protocols),
            "patch": evaluation.patch,
            "stride": evaluation.stride,
        },
    }


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


def _source(source: SourcePlan) -> dict[str, Any]:
    return {"source": source.offer.name, **dumped(source.options)}


def _branch(branch: BranchPlan, backbone: Options) -> int | dict[str, Any]:
    common = dumped(backbone)
    own = {key: value for key, value in dumped(branch.options).items() if value != common.get(key)}
    return {"width": branch.width, **own} if own else branch.width
