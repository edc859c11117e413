"""A recipe of one branch: a single network, trained alone.

What decides over several branches has no meaning there, so a recipe that says something of it is told so, and defaults
are left out of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from restoreroute.recipe.findings import Findings
from restoreroute.recipe.places import Path
from restoreroute.recipe.schema import CLASSES
from restoreroute.spec.plan import BranchPlan
from restoreroute.spec.stages import BaselineStage

BASELINE = "baseline"
ROUTING_KEYS: tuple[Path, ...] = (
    ("class_module",),
    ("losses",),
    ("difficulty",),
    ("stages", "pretrain"),
    ("stages", "class_module"),
    ("stages", "joint"),
    ("routing", "loss_db"),
    ("routing", "speed"),
)
"""Settings that only several branches give a meaning to."""


def is_single(branches: Sequence[BranchPlan] | None) -> bool:
    """Whether a recipe asks for one network; False where its branches are not known."""
    return branches is not None and len(branches) == 1


def without_routing(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a whole recipe, as plain data, that says nothing of routing."""

    def kept(part: Mapping[str, Any], above: Path) -> dict[str, Any]:
        return {
            key: kept(value, (*above, key)) if isinstance(value, Mapping) else value
            for key, value in part.items()
            if (*above, key) not in ROUTING_KEYS
        }

    return kept(recipe, ())


def check_single(findings: Findings, branch: BranchPlan, baseline: BaselineStage | None) -> None:
    """Note what a recipe of one branch says and can't mean.

    Args:
        findings: of the recipe; takes what is wrong.
        branch: the only one.
        baseline: the stage that trains it; None if something is wrong with it.
    """
    data = findings.document.data
    for path in ROUTING_KEYS:
        if _is_written(data, path):
            findings.add("is for routed models; the recipe has one branch, so leave it out", path, at_key=True)
    evaluation = data.get("evaluation")
    protocols = evaluation.get("protocols") if isinstance(evaluation, Mapping) else None
    for index, name in enumerate(protocols if isinstance(protocols, list) else ()):
        if name == CLASSES:
            message = "measures the difficulty classes of routed models; the recipe has one branch, so leave it out"
            findings.add(message, ("evaluation", "protocols", index))
    if not branch.family.learns:
        findings.add(f"{branch.name} has nothing to train", ("branches", 0))
    elif baseline is not None and not baseline.iterations and branch.start is None:
        message = "must be at least 1, not 0: the one branch is trained by this stage and starts from no file"
        findings.add(message, ("stages", BASELINE, "iterations"))


def _is_written(data: object, path: Path) -> bool:
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[str(key)]
    return True
