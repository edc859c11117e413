"""Measure a model on folders of clean images."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from restoreroute.app.measuring import open_subject
from restoreroute.app.provenance import provenance
from restoreroute.errors import InputError
from restoreroute.evaluation.evaluate import evaluate
from restoreroute.evaluation.protocols import make_protocol
from restoreroute.reporting.results_file import save_results
from restoreroute.spec.events import Listener, ignore
from restoreroute.spec.results import RunResults, SetResult, measured_set


def evaluate_model(
    model: str | Path,
    folders: Sequence[Path],
    *,
    protocols: Sequence[str],
    degraded: Sequence[Path] = (),
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
        model: as for :func:`~restoreroute.app.measuring.open_subject`, with ``baseline``, ``overrides``, ``device``.
        folders: sets of clean images.
        degraded: folders of their degraded versions, one for each of ``folders``, paired by name; if there are none,
            the model's task makes them.
        protocols: names among ``"classsr"`` and ``"whole"``.
        crop: side of the centre square of each clean image that is measured; None for the whole image.
        seed: of the random route and of random degradations.
        save: where to write the figures, as the results.json of a run.
        listen: hears the progress.

    Returns:
        One result for each folder and protocol.

    Raises:
        InputError: for a file that can't be used.
        OutputError: if the figures can't be written.
    """
    start = time.monotonic()
    subject = open_subject(model, baseline=baseline, overrides=overrides, device=device)
    measured = subject.model
    if degraded and len(degraded) != len(folders):
        raise InputError(
            f"{len(degraded)} folders of degraded images for {len(folders)} of clean ones",
            where="--degraded",
            hint="name one for each, in the same order",
        )
    # lists all before the first is measured: something may be wrong with the last one
    sets = [subject.images(*each) for each in zip_longest(folders, degraded)]
    results = []
    for folder, images in zip(folders, sets, strict=True):
        with subject.pairs(images, crop=crop, listen=listen) as pairs:
            for name in protocols:
                protocol = make_protocol(
                    name, patch=measured.patch, stride=measured.stride, crop_border=measured.task.bound.crop_border
                )
                result = evaluate(
                    measured,
                    pairs,
                    set_name=measured_set(folder.name, crop),
                    protocol=protocol,
                    baseline=subject.baseline,
                    seed=seed,
                    device=subject.device,
                    listen=listen,
                )
                results.append(result)
    if save is not None:
        facts = provenance(measured.providers, seed) | {"seconds": {"evaluate": time.monotonic() - start}}
        found = RunResults(name=subject.name, folder="", model=subject.name, sets=tuple(results), stages={})
        save_results(save, found, key="", provenance=facts)
    return tuple(results)
