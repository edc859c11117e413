"""Build everything that a recipe names and run one batch of each stage, without leaving anything behind."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restoreroute.app.devices import choose_device
from restoreroute.app.pipeline import Pipeline
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.preparation import SplitFiles
from restoreroute.app.run_folder import RunFolder
from restoreroute.recipe.resolve import load_recipe
from restoreroute.routing.cost import Cost
from restoreroute.spec.events import Listener, ignore
from restoreroute.spec.plan import DifficultyPlan, HardnessPlan, RunPlan
from restoreroute.spec.source import SourceImage, files_of
from restoreroute.spec.stages import Stages

TRIAL_PHOTOS = 2


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What a run would do.

    Attributes:
        plan: the resolved recipe.
        images: clean images per split.
        costs: of each branch for one patch.
        class_module: cost of the Class-Module for one patch; None for a single network.
    """

    plan: RunPlan
    images: Mapping[str, int]
    costs: tuple[Cost, ...]
    class_module: Cost | None


def dry_run(
    recipe: Path,
    *,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    device: str = "auto",
    listen: Listener = ignore,
) -> DryRun:
    """Resolve a recipe, list its images, build its networks and run one batch of each stage on a few photos.

    Raises:
        RestorerouteError: for whatever a run would fail on at its start.
    """
    catalogue = open_catalogue()
    plan = load_recipe(recipe, catalogue, overrides)
    files = SplitFiles.of(plan)
    few = SplitFiles(train=_largest(files.train), validation=files.validation[:1], test=files.test[:1])
    with tempfile.TemporaryDirectory(prefix="restoreroute-") as temporary:
        folder = RunFolder(Path(temporary) / plan.name)
        with folder.open():
            trained = Pipeline(
                replace(
                    plan,
                    stages=one_batch_each(plan.stages),
                    data=replace(plan.data, hardness=_all_kept(plan.data.hardness)),
                    difficulty=_equal_parts(plan.difficulty),
                ),
                few,
                folder=folder,
                catalogue=catalogue,
                device=choose_device(device),
                listen=listen,
            ).execute()
    return DryRun(
        plan=plan,
        images={"train": len(files.train), "validation": len(files.validation), "test": len(files.test)},
        costs=trained.model.costs,
        class_module=None if trained.model.class_module is None else trained.model.class_module_cost,
    )


def _largest(images: Sequence[SourceImage]) -> Sequence[SourceImage]:
    """A few photos that are likely to hold sub-images."""
    return sorted(images, key=lambda image: files_of(image)[0].stat().st_size, reverse=True)[:TRIAL_PHOTOS]


def _equal_parts(difficulty: DifficultyPlan | None) -> DifficultyPlan | None:
    """The same estimator with classes of equal size: other ones may be empty on a few photos."""
    return None if difficulty is None else replace(difficulty, quantiles=None, thresholds=None)


def _all_kept(hardness: HardnessPlan | None) -> HardnessPlan | None:
    """The same estimator with nothing left out: a small share may be none of a few photos' sub-images."""
    return None if hardness is None else replace(hardness, keep=(0.0, 1.0))


def one_batch_each(stages: Stages) -> Stages:
    """The same stages with a single update each, where they have any."""
    short = {}
    for name in type(stages).model_fields:
        stage = getattr(stages, name)
        changes: dict[str, Any] = {"iterations": min(stage.iterations, 1), "warmup": 0}
        if getattr(stage, "per_branch", None) is not None:
            changes["per_branch"] = tuple(min(iterations, 1) for iterations in stage.per_branch)
        if getattr(stage, "phases", ()):
            changes["phases"] = tuple(phase.model_copy(update={"iterations": 1}) for phase in stage.phases)
        if "pool" in type(stage).model_fields:
            changes["pool"] = min(stage.pool, stage.batch)
        short[name] = stage.model_copy(update=changes)
    return stages.model_copy(update=short)
