"""Measure a model file on a folder of clean images."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from restoreroute.app.devices import choose_device
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.task_options import with_options
from restoreroute.data.pairs import PairCache
from restoreroute.errors import InputError
from restoreroute.evaluation.evaluate import evaluate
from restoreroute.evaluation.protocols import make_protocol
from restoreroute.imaging.io import find_images
from restoreroute.routing.model_file import load_model
from restoreroute.spec.events import Listener, ignore
from restoreroute.spec.results import SetResult, measured_set

BASELINE_NAME = "baseline.safetensors"


def evaluate_model(
    model: Path,
    images: Path,
    *,
    protocols: Sequence[str],
    baseline: Path | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    crop: int | None = None,
    seed: int = 0,
    device: str = "auto",
    listen: Listener = ignore,
) -> tuple[SetResult, ...]:
    """Restore every image of a folder in every way and compare.

    Args:
        model: a model file.
        images: folder of clean images; degraded versions are made from them.
        protocols: names among ``"classsr"`` and ``"whole"``.
        baseline: model file of the full network alone; ``baseline.safetensors`` beside the model where there is
            one.
        overrides: of the task's options, such as ``"task.sigma=50"``: degrade in another way than in training.
        crop: side of the centre square of each clean image that is measured; None for the whole image.
        seed: of the random route and of random degradations.
        device: where to run.
        listen: hears the progress.

    Raises:
        InputError: for a file that can't be used.
    """
    catalogue = open_catalogue()
    chosen = choose_device(device)
    loaded = load_model(model, catalogue).to(chosen)
    loaded = replace(loaded, task=with_options(loaded.task, overrides))
    beside = model.parent / BASELINE_NAME
    if baseline is None and beside.is_file() and beside != model:
        baseline = beside
    single = None if baseline is None else load_model(baseline, catalogue).to(chosen)
    if single is not None and single.branches.scale != loaded.branches.scale:
        raise InputError(
            f"restores at scale {single.branches.scale}, the model at {loaded.branches.scale}",
            where=str(baseline),
        )
    bound = loaded.task.bound
    results = []
    with tempfile.TemporaryDirectory(prefix="restoreroute-") as folder:
        pairs = PairCache(Path(folder), loaded.task).load(
            find_images(images), clean_scales=(1.0,), listen=listen, step="read"
        )
        if crop is not None:
            pairs = [pair.centre(crop, bound.scale) for pair in pairs]
        for name in protocols:
            protocol = make_protocol(name, patch=loaded.patch, stride=loaded.stride, crop_border=bound.crop_border)
            results.append(
                evaluate(
                    loaded,
                    pairs,
                    set_name=measured_set(images.name, crop),
                    protocol=protocol,
                    baseline=single,
                    seed=seed,
                    device=chosen,
                    listen=listen,
                )
            )
    return tuple(results)
