"""Run a recipe to its end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restoreroute.app.devices import choose_device
from restoreroute.app.keys import digest
from restoreroute.app.pipeline import Pipeline, Trained
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.preparation import SplitFiles
from restoreroute.app.provenance import as_comment, provenance
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import evaluation_name, reported, step_names
from restoreroute.data.pairs import Pair, PairCache, fingerprint
from restoreroute.evaluation.evaluate import evaluate
from restoreroute.evaluation.protocols import make_protocol
from restoreroute.evaluation.ways import Outcome
from restoreroute.imaging.atomic import write_atomically
from restoreroute.imaging.color import from_float
from restoreroute.imaging.io import write_image
from restoreroute.inference.tiles import Tile
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.plain_recipe import recipe_text
from restoreroute.recipe.resolve import load_recipe
from restoreroute.reporting.overlay import paint_route
from restoreroute.reporting.results_file import load_results, save_results
from restoreroute.reporting.tensorboard import TensorboardReporter
from restoreroute.routing.model_file import save_model
from restoreroute.spec.events import (
    Event,
    Listener,
    RunFinished,
    RunStarted,
    StepReused,
    ignore,
)
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.results import RunResults, SetResult

RUNS = Path("runs")


def run_recipe(
    recipe: Path,
    *,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    runs: Path = RUNS,
    fresh: bool = False,
    device: str = "auto",
    listen: Listener = ignore,
) -> RunResults:
    """Run a recipe, going on from where an earlier run of it stopped.

    Args:
        recipe: path of the recipe.
        overrides: ``"key=value"`` texts, or values by dotted key.
        runs: folder that gets one folder per run.
        fresh: forget what earlier runs left.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        listen: hears the run's events.

    Raises:
        RecipeError: with everything that is wrong with the recipe.
        RestorerouteError: if the run fails on its way.
    """
    catalogue = open_catalogue()
    plan = load_recipe(recipe, catalogue, overrides)
    chosen = choose_device(device)
    folder = RunFolder(runs / plan.name)
    with folder.open():
        if fresh:
            folder.forget()
        with TensorboardReporter(folder.events) as tensorboard:

            def hear(event: Event) -> None:
                listen(event)
                tensorboard(event)

            return _run(plan, folder, catalogue, chosen, hear)


def _run(plan: RunPlan, folder: RunFolder, catalogue: Catalogue, device: torch.device, listen: Listener) -> RunResults:
    start = time.monotonic()
    listen(RunStarted(name=plan.name, folder=str(folder.path), steps=step_names(plan)))
    facts = provenance(plan)
    resolved = as_comment(facts) + recipe_text(plan)
    write_atomically(folder.recipe, lambda file: file.write(resolved.encode()))

    files = SplitFiles.of(plan)
    pipeline = Pipeline(plan, files, folder=folder, catalogue=catalogue, device=device, listen=listen)
    trained = pipeline.execute()
    save_model(trained.model, folder.model)
    if trained.baseline is not None:
        save_model(trained.baseline, folder.baseline)

    results = _evaluate(plan, files, trained, folder, facts, device, listen)
    written = {
        "model": folder.model,
        "results": folder.results,
        "routes": folder.routes,
        "recipe": folder.recipe,
    }
    listen(
        RunFinished(
            name=plan.name,
            seconds=time.monotonic() - start,
            files={purpose: str(path) for purpose, path in written.items()},
        )
    )
    return results


def _evaluate(
    plan: RunPlan,
    files: SplitFiles,
    trained: Trained,
    folder: RunFolder,
    facts: Mapping[str, Any],
    device: torch.device,
    listen: Listener,
) -> RunResults:
    settings = [list(plan.evaluation.protocols), plan.evaluation.patch, plan.evaluation.stride]
    key = digest(trained.key, fingerprint(files.test), settings)
    if (done := load_results(folder.results, key=key)) is not None:
        for name in plan.evaluation.protocols:
            listen(StepReused(step=evaluation_name(name)))
        return replace(done, folder=str(folder.path), model=str(folder.model))
    model = trained.model.to(device)
    baseline = None if trained.baseline is None else trained.baseline.to(device)
    bound = plan.task.bound
    cache = PairCache(folder.pair_cache, plan.task)
    first = evaluation_name(plan.evaluation.protocols[0])
    pairs = cache.load(files.test, clean_scales=(1.0,), listen=listen, step=first)

    def draw(pair: Pair, outcome: Outcome, tiles: Sequence[Tile]) -> None:
        """Routing map of one photo."""
        if outcome.route is not None:
            image = paint_route(
                from_float(outcome.restored, np.uint8),
                tiles,
                outcome.route,
                scale=bound.scale,
                branches=len(model.branches),
            )
            write_image(folder.routes / f"{pair.file.stem}.png", image)

    sets: list[SetResult] = []
    folder.routes.mkdir(exist_ok=True)
    for name in plan.evaluation.protocols:
        protocol = make_protocol(
            name, patch=plan.evaluation.patch, stride=plan.evaluation.stride, crop_border=bound.crop_border
        )
        with reported(listen, evaluation_name(name), f"{len(pairs)} photos"):
            result = evaluate(
                model,
                pairs,
                set_name="test",
                protocol=protocol,
                baseline=baseline,
                seed=plan.seed,
                device=device,
                listen=listen,
                draw=draw,
            )
        sets.append(result)
    results = RunResults(
        name=plan.name,
        folder=str(folder.path),
        model=str(folder.model),
        sets=tuple(sets),
        stages=dict(trained.validations),
    )
    save_results(folder.results, results, key=key, provenance=facts)
    return results
