"""The end of a run: the trained model on the test photos, beside its baseline and with routing maps if it routes."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restoreroute.app.difficulty import DifficultySplit
from restoreroute.app.keys import digest
from restoreroute.app.pipeline import Trained
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import evaluation_name, reported
from restoreroute.data.pairs import Pair, fingerprint
from restoreroute.evaluation.classes import CLASSES, evaluate_classes, require_sub_images
from restoreroute.evaluation.evaluate import Draw, evaluate
from restoreroute.evaluation.protocols import EvaluationProtocol, make_protocol, require_size
from restoreroute.evaluation.ways import Outcome
from restoreroute.imaging.color import from_float
from restoreroute.imaging.io import write_image
from restoreroute.inference.tiles import Tile
from restoreroute.reporting.overlay import paint_route
from restoreroute.reporting.results_file import load_results, save_results
from restoreroute.routing.model_file import Model
from restoreroute.spec.events import Listener, StepReused
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.results import ClassesResult, RunResults, SetResult, measured_set
from restoreroute.spec.source import SourceImage

SET_NAME = "test"
MEASURING = 2
"""Raised when the same settings come to other figures, so that earlier results are measured anew."""


def check_test_photos(plan: RunPlan, pairs: Sequence[Pair]) -> None:
    """Refuse photos that a protocol can't measure, before hours of training and not after.

    Raises:
        InputError: naming the first such photo.
    """
    for name in plan.evaluation.protocols:
        if name == CLASSES:
            require_sub_images(pairs, plan.task.bound, plan.data.sub_image)
            continue
        protocol = _protocol(plan, name)
        for pair in pairs:
            require_size(protocol, pair.degraded_size(plan.task.bound.scale), str(pair.file))


def evaluate_run(
    plan: RunPlan,
    trained: Trained,
    images: Sequence[SourceImage],
    pairs: Sequence[Pair],
    folder: RunFolder,
    *,
    provenance: Mapping[str, Any],
    device: torch.device,
    listen: Listener,
) -> RunResults:
    """Measure under every protocol of the plan, paint routing maps where there are routes, write results.json.

    Results of an earlier run are returned as they are if nothing that they depend on has changed.

    Args:
        images: the files of the test images.
        pairs: what is measured of each of them, in the same order.
    """
    evaluation, routing = plan.evaluation, plan.routing
    difficulty, preference = trained.difficulty, trained.preference
    key = digest(
        trained.key,
        fingerprint(images),
        MEASURING,
        [list(evaluation.protocols), routing.patch, routing.stride, evaluation.crop, trained.model.speed, plan.seed],
        *([preference.loss_db] if preference is not None else []),
        *([difficulty.key] if difficulty is not None and CLASSES in evaluation.protocols else []),
    )
    if (done := load_results(folder.results, key=key)) is not None:
        for name in evaluation.protocols:
            listen(StepReused(step=evaluation_name(name)))
        return replace(done, folder=str(folder.path), model=str(folder.model))
    for network in (trained.model, trained.baseline):
        if network is not None:
            network.to(device)
    sets: list[SetResult] = []
    classes: ClassesResult | None = None
    routes = trained.model.class_module is not None
    if not routes:
        shutil.rmtree(folder.routes, ignore_errors=True)  # an earlier run's, whose recipe had more branches
    for name in evaluation.protocols:
        with reported(listen, evaluation_name(name), f"{len(pairs)} photos"):
            if name == CLASSES and difficulty is not None:
                classes = _measure_classes(plan, trained, difficulty, pairs, device=device, listen=listen)
            else:
                maps = (
                    _MapPainter(folder.routes / name, [pair.file for pair in pairs], trained.model) if routes else None
                )
                sets.append(_measure_set(plan, trained, pairs, name, maps, device=device, listen=listen))
    results = RunResults(
        name=plan.name,
        folder=str(folder.path),
        model=str(folder.model),
        sets=tuple(sets),
        stages=dict(trained.validations),
        classes=classes,
        preference=preference,
    )
    save_results(folder.results, results, key=key, provenance=provenance)
    return results


def _measure_set(
    plan: RunPlan,
    trained: Trained,
    pairs: Sequence[Pair],
    protocol: str,
    maps: Draw | None,
    *,
    device: torch.device,
    listen: Listener,
) -> SetResult:
    return evaluate(
        trained.model,
        pairs,
        set_name=measured_set(SET_NAME, plan.evaluation.crop),
        protocol=_protocol(plan, protocol),
        baseline=trained.baseline,
        seed=plan.seed,
        device=device,
        listen=listen,
        draw=maps,
    )


def _measure_classes(
    plan: RunPlan,
    trained: Trained,
    difficulty: DifficultySplit,
    pairs: Sequence[Pair],
    *,
    device: torch.device,
    listen: Listener,
) -> ClassesResult:
    return evaluate_classes(
        trained.model,
        pairs,
        set_name=measured_set(SET_NAME, plan.evaluation.crop),
        baseline=trained.baseline,
        sub_image=plan.data.sub_image,
        estimator=difficulty.estimator,
        score=difficulty.score,
        edges=difficulty.sub_images.index.edges,
        seed=plan.seed,
        device=device,
        listen=listen,
    )


class _MapPainter:
    """Writes the routing map of each photo, under a name of its own."""

    def __init__(self, folder: Path, files: Sequence[Path], model: Model) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.model = model
        taken = Counter(file.stem for file in files)
        self.paths = {
            file: folder / (f"{file.stem}.png" if taken[file.stem] == 1 else f"{number}-{file.stem}.png")
            for number, file in enumerate(files)
        }

    def __call__(self, pair: Pair, outcome: Outcome, tiles: Sequence[Tile]) -> None:
        if outcome.route is not None:
            image = paint_route(
                from_float(outcome.restored, np.uint8),
                tiles,
                outcome.route,
                scale=self.model.branches.scale,
                branches=len(self.model.branches),
            )
            write_image(self.paths[pair.file], image)


def _protocol(plan: RunPlan, name: str) -> EvaluationProtocol:
    routing = plan.routing
    return make_protocol(name, patch=routing.patch, stride=routing.stride, crop_border=plan.task.bound.crop_border)
