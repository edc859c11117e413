"""Measure a model on folders of clean images."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from restoreroute.app.devices import choose_device
from restoreroute.app.models import find_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.provenance import provenance
from restoreroute.app.task_options import with_options
from restoreroute.data.pairs import PairCache
from restoreroute.errors import InputError
from restoreroute.evaluation.evaluate import evaluate
from restoreroute.evaluation.protocols import make_protocol
from restoreroute.imaging.io import find_images
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.reporting.results_file import save_results
from restoreroute.routing.model_file import Model, load_model
from restoreroute.spec.events import Listener, ignore
from restoreroute.spec.results import RunResults, SetResult, measured_set


def evaluate_model(
    model: str | Path,
    folders: Sequence[Path],
    *,
    protocols: Sequence[str],
    baseline: Path | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    crop: int | None = None,
    seed: int = 0,
    device: str = "auto",
    save: Path | None = None,
    listen: Listener = ignore,
) -> tuple[SetResult, ...]:
    """Restore every image of some folders in every way and compare.

    Args:
        model: the name of an installed model, or a model file.
        folders: sets of clean images; degraded versions are made from them.
        protocols: names among ``"classsr"`` and ``"whole"``.
        baseline: model file of the full network alone; if not given, the one that comes with the model, for a file
            ``baseline.safetensors`` beside it, where there is one.
        overrides: of the task's options, such as ``"task.sigma=50"``: degrade in another way than in training.
        crop: side of the centre square of each clean image that is measured; None for the whole image.
        seed: of the random route and of random degradations.
        device: where to run.
        save: where to write the figures, as the results.json of a run.
        listen: hears the progress.

    Returns:
        One result for each folder and protocol.

    Raises:
        InputError: for a file that can't be used.
        OutputError: if the figures can't be written.
    """
    start = time.monotonic()
    catalogue = open_catalogue()
    chosen = choose_device(device)
    files = find_model(model, catalogue)
    loaded = load_model(files.model, catalogue).to(chosen)
    loaded = replace(loaded, task=with_options(loaded.task, overrides))
    single = _baseline(baseline or files.baseline, loaded, catalogue)
    if single is not None:
        single.to(chosen)
    bound = loaded.task.bound
    images = {folder: find_images(folder) for folder in folders}
    results = []
    for folder, found in images.items():
        with tempfile.TemporaryDirectory(prefix="restoreroute-") as cache:
            pairs = PairCache(Path(cache), loaded.task).load(found, clean_scales=(1.0,), listen=listen, step="read")
            if crop is not None:
                pairs = [pair.centre(crop, bound.scale) for pair in pairs]
            for name in protocols:
                result = evaluate(
                    loaded,
                    pairs,
                    set_name=measured_set(folder.name, crop),
                    protocol=make_protocol(
                        name, patch=loaded.patch, stride=loaded.stride, crop_border=bound.crop_border
                    ),
                    baseline=single,
                    seed=seed,
                    device=chosen,
                    listen=listen,
                )
                results.append(result)
    if save is not None:
        name = files.model.stem if Path(model) == files.model else str(model)
        facts = provenance(loaded.providers, seed) | {"seconds": {"evaluate": time.monotonic() - start}}
        measured = RunResults(name=name, folder="", model=files.model.name, sets=tuple(results), stages={})
        save_results(save, measured, key="", provenance=facts)
    return tuple(results)


def _baseline(path: Path | None, model: Model, catalogue: Catalogue) -> Model | None:
    """The full network alone, of the model's scale."""
    if path is None:
        return None
    found = load_model(path, catalogue)
    if found.branches.scale != model.branches.scale:
        raise InputError(
            f"restores at scale {found.branches.scale}, the model at {model.branches.scale}", where=str(path)
        )
    return found
