"""The end of a run: the trained model against its baseline on the test photos, with routing maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restoreroute.app.keys import digest
from restoreroute.app.pipeline import Trained
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import evaluation_name, reported
from restoreroute.data.pairs import Pair, fingerprint
from restoreroute.evaluation.evaluate import evaluate
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
from restoreroute.spec.results import RunResults, SetResult


def check_test_photos(plan: RunPlan, pairs: Sequence[Pair]) -> None:
    """Refuse photos that a protocol can't measure, before hours of training and not after.

    Raises:
        InputError: naming the first such photo.
    """
    for name in plan.evaluation.protocols:
        protocol = _protocol(plan, name)
        for pair in pairs:
            require_size(protocol, pair.degraded_size(plan.task.bound.scale), str(pair.file))


def evaluate_run(
    plan: RunPlan,
    trained: Trained,
    pairs: Sequence[Pair],
    folder: RunFolder,
    *,
    provenance: Mapping[str, Any],
    device: torch.device,
    listen: Listener,
) -> RunResults:
    """Measure under every protocol of the plan, paint routing maps, write results.json.

    Results of an earlier run are returned as they are if nothing that they depend on has changed.
    """
    evaluation = plan.evaluation
    files = [pair.file for pair in pairs]
    key = digest(
        trained.key, fingerprint(files), [list(evaluation.protocols), evaluation.patch, evaluation.stride, plan.seed]
    )
    if (done := load_results(folder.results, key=key)) is not None:
        for name in evaluation.protocols:
            listen(StepReused(step=evaluation_name(name)))
        return replace(done, folder=str(folder.path), model=str(folder.model))
    model = trained.model.to(device)
    baseline = None if trained.baseline is None else trained.baseline.to(device)
    sets: list[SetResult] = []
    for name in evaluation.protocols:
        maps = _MapPainter(folder.routes / name, files, model)
        with reported(listen, evaluation_name(name), f"{len(pairs)} photos"):
            result = evaluate(
                model,
                pairs,
                set_name="test",
                protocol=_protocol(plan, name),
                baseline=baseline,
                seed=plan.seed,
                device=device,
                listen=listen,
                draw=maps,
            )
        sets.append(result)
    results = RunResults(
        name=plan.name,
        folder=str(folder.path),
        model=str(folder.model),
        sets=tuple(sets),
        stages=dict(trained.validations),
    )
    save_results(folder.results, results, key=key, provenance=provenance)
    return results


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
    evaluation = plan.evaluation
    return make_protocol(
        name, patch=evaluation.patch, stride=evaluation.stride, crop_border=plan.task.bound.crop_border
    )
