"""How hard each sub-image is, and the split of all of them into one class per branch."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from restoreroute.app.keys import digest, offer_facts, seed_for
from restoreroute.app.references import RunReferences
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import DIFFICULTY, reported
from restoreroute.data.pairs import fingerprint
from restoreroute.data.patch_index import PatchIndex
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.imaging.atomic import write_atomically
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.spec.events import Listener, StepReused, WorkProgress
from restoreroute.spec.plan import DifficultyPlan, RunPlan

if TYPE_CHECKING:
    from restoreroute.spec.difficulty import Score

SCORING_BATCH = 96


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
    offer, options = difficulty.offer, difficulty.options
    references = RunReferences(plan.task.bound, catalogue, baseline, device)
    score = offer.build(options, references)
    scores_key = digest(
        data_key,
        offer_facts(plan, offer.kind, offer.name, options),
        baseline_key if references.uses_baseline else None,
        fingerprint(references.files),
        *([seed_for(plan, DIFFICULTY)] if plan.task.bound.random else []),
    )
    if len(sub_images.index) < branches:
        raise InputError(
            f"{len(sub_images.index)} sub-images can't be split into {branches} classes",
            where="data",
            hint="use more or larger images, or a smaller data.step",
        )

    def split(scores: NDArray[np.float64]) -> PatchIndex:
        return sub_images.index.split(
            scores, branches, quantiles=difficulty.quantiles, thresholds=difficulty.thresholds
        )

    scores = _load_scores(folder.scores, scores_key)
    if scores is not None:
        listen(StepReused(step=DIFFICULTY))
    else:
        with reported(listen, DIFFICULTY, offer.name) as finish:
            scores = _scores(score, sub_images, seed=seed_for(plan, DIFFICULTY), listen=listen)
            _save_scores(folder.scores, scores_key, scores)
            finish("classes split at scores " + ", ".join(f"{edge:.1f}" for edge in split(scores).edges))
    index = split(scores)
    _require_classes(plan, index)
    edges = [difficulty.quantiles, difficulty.thresholds]
    return DifficultySplit(
        sub_images=replace(sub_images, index=index),
        estimator=offer.name,
        score=score,
        key=digest(scores_key, branches, *([edges] if any(edges) else [])),
    )


def _scores(score: Score, sub_images: SubImages, *, seed: int, listen: Listener) -> NDArray[np.float64]:
    """The score of every sub-image, in the order of the index."""
    count = len(sub_images.index)
    parts: list[NDArray[np.float64]] = []
    for start in range(0, count, SCORING_BATCH):
        positions = np.arange(start, min(start + SCORING_BATCH, count))
        parts.append(score(*sub_images.read(positions, np.random.default_rng([seed, start]))))
        listen(WorkProgress(step=DIFFICULTY, done=int(positions[-1]) + 1, total=count))
    return np.concatenate(parts)


def _require_classes(plan: RunPlan, index: PatchIndex) -> None:
    """Refuse classes that leave a branch nothing to be trained on, before hours of training and not after."""
    pretrain = plan.stages.pretrain
    for number, branch in enumerate(plan.branches):
        trained = branch.family.learns and pretrain.own_class and pretrain.of_branch(number).iterations
        if trained and not len(index.of_class(number)):
            edges = ", ".join(f"{edge:.4g}" for edge in index.edges)
            reach = f"{index.score.min():.4g} to {index.score.max():.4g}"
            raise InputError(
                f"class {number} of {len(plan.branches)} holds no sub-image for branch {branch.name}; "
                f"classes split at scores {edges}, and scores reach from {reach}",
                where="difficulty",
                hint="move difficulty.thresholds or difficulty.quantiles, or train branches on all data: "
                "stages.pretrain.own_class=false",
            )


def _save_scores(path: Path, key: str, scores: NDArray[np.float64]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), scores=scores)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _load_scores(path: Path, key: str) -> NDArray[np.float64] | None:
    """Scores saved under the same key; None where they are missing, damaged or of another key."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            if str(content["key"]) != key:
                return None
            scores: NDArray[np.float64] = content["scores"]
            return scores
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
