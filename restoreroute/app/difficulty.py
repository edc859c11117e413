"""How hard each sub-image is, and the split of all of them into one class per branch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from restoreroute.app.keys import digest
from restoreroute.app.references import RunReferences
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.scoring import Scorer
from restoreroute.app.steps import DIFFICULTY
from restoreroute.app.sub_image_sizes import PRETRAIN, of_side, sides_of
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.spec.events import Listener
from restoreroute.spec.plan import DifficultyPlan, RunPlan

if TYPE_CHECKING:
    from restoreroute.spec.difficulty import Score


@dataclass(frozen=True, kw_only=True)
class DifficultySplit:
    """The training data in classes, and what puts other sub-images in the same classes.

    Attributes:
        sub_images: all of them, with scores and classes.
        estimator: name of the difficulty estimator.
        score: the difficulty estimator.
        key: what the classes depend on.
    """

    sub_images: SubImages
    estimator: str
    score: Score
    key: str


def split_by_difficulty(
    plan: RunPlan,
    difficulty: DifficultyPlan,
    sub_images: SubImages,
    folder: RunFolder,
    *,
    catalogue: Catalogue,
    baseline: nn.Module | None,
    data_key: str,
    baseline_key: str,
    device: torch.device,
    listen: Listener,
) -> DifficultySplit:
    """Score every sub-image, unless that is done already, and split them into one class per branch.

    Raises:
        InputError: if there are too few sub-images, or if a class that a branch is to be trained on holds none.
    """
    branches = len(plan.branches)
    references = RunReferences(plan.task.bound, catalogue, baseline, device)
    scorer = Scorer.of(
        plan,
        DIFFICULTY,
        difficulty.offer,
        difficulty.options,
        references=references,
        data_key=data_key,
        baseline_key=baseline_key,
    )
    if len(sub_images.index) < branches:
        raise InputError(
            f"{len(sub_images.index)} sub-images can't be split into {branches} classes",
            where="data",
            hint="use more or larger images, or a smaller data.step",
        )
    scores = scorer.scores(sub_images, folder.scores, listen=listen)
    index = sub_images.index.split(scores, branches, quantiles=difficulty.quantiles, thresholds=difficulty.thresholds)
    classed = replace(sub_images, index=index)
    _require_classes(plan, classed)
    edges = [difficulty.quantiles, difficulty.thresholds]
    return DifficultySplit(
        sub_images=classed,
        estimator=scorer.estimator,
        score=scorer.score,
        key=digest(scorer.key, branches, *([edges] if any(edges) else [])),
    )


def _require_classes(plan: RunPlan, sub_images: SubImages) -> None:
    """Refuse classes that leave a branch nothing to be trained on, before hours of training and not after."""
    pretrain, index = plan.stages.pretrain, sub_images.index
    for number, branch in enumerate(plan.branches):
        trained = branch.family.learns and pretrain.own_class and pretrain.of_branch(number).iterations
        if not trained:
            continue
        chosen = index.of_class(number)
        if not len(chosen):
            edges = ", ".join(f"{edge:.4g}" for edge in index.edges)
            reach = f"{index.score.min():.4g} to {index.score.max():.4g}"
            raise InputError(
                f"class {number} of {len(plan.branches)} holds no sub-image for branch {branch.name}; "
                f"classes split at scores {edges}, and scores reach from {reach}",
                where="difficulty",
                hint="move difficulty.thresholds or difficulty.quantiles, or train branches on all data: "
                "stages.pretrain.own_class=false",
            )
        for side in sides_of(pretrain.of_branch(number)):
            of_side(sub_images, chosen, side, stage=PRETRAIN)
