"""Run a recipe to its end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from restoreroute.app.devices import choose_device
from restoreroute.app.final_evaluation import check_test_photos, evaluate_run
from restoreroute.app.pipeline import Pipeline
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.preparation import SplitFiles
from restoreroute.app.provenance import as_comment, provenance
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import DATA, step_names
from restoreroute.imaging.atomic import write_atomically
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.plain_recipe import recipe_text
from restoreroute.recipe.resolve import load_recipe
from restoreroute.reporting.curves import draw_curves
from restoreroute.reporting.tensorboard import TensorboardReporter
from restoreroute.routing.model_file import save_model
from restoreroute.spec.events import (
    Event,
    Listener,
    RunFinished,
    RunStarted,
    StepFinished,
    ignore,
)
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.results import RunResults

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
            seconds: dict[str, float] = {}

            def hear(event: Event) -> None:
                listen(event)
                tensorboard(event)
                if isinstance(event, StepFinished):
                    seconds[event.step] = event.seconds

            return _run(plan, folder, catalogue, chosen, hear, seconds)


def _run(
    plan: RunPlan,
    folder: RunFolder,
    catalogue: Catalogue,
    device: torch.device,
    listen: Listener,
    seconds: Mapping[str, float],
) -> RunResults:
    """All steps; ``seconds`` fills with the time of each that this process does."""
    start = time.monotonic()
    listen(RunStarted(name=plan.name, folder=str(folder.path), steps=step_names(plan)))
    facts = provenance(plan.providers, plan.seed)
    resolved = as_comment(facts) + recipe_text(plan)
    write_atomically(folder.recipe, lambda file: file.write(resolved.encode()))

    files = SplitFiles.of(plan)
    test = folder.pair_cache(plan).load(files.test, clean_scales=(1.0,), listen=listen, step=DATA)
    if plan.evaluation.crop is not None:
        test = [pair.centre(plan.evaluation.crop, plan.task.bound.scale) for pair in test]
    check_test_photos(plan, test)
    trained = Pipeline(plan, files, folder=folder, catalogue=catalogue, device=device, listen=listen).execute()
    save_model(trained.model, folder.model)
    if trained.baseline is None:
        folder.baseline.unlink(missing_ok=True)  # an earlier run's would be taken for this model's
    else:
        save_model(trained.baseline, folder.baseline)
    results = evaluate_run(
        plan, trained, files.test, test, folder, provenance=facts | {"seconds": seconds}, device=device, listen=listen
    )
    if not draw_curves([results], folder.curves):
        folder.curves.unlink(missing_ok=True)
    written = {
        "model": folder.model,
        "results": folder.results,
        "curves": folder.curves,
        "routing maps": folder.routes,
        "recipe": folder.recipe,
    }
    listen(
        RunFinished(
            name=plan.name,
            seconds=time.monotonic() - start,
            files={purpose: str(path) for purpose, path in written.items() if path.exists()},
        )
    )
    return results
