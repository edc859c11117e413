"""Measure a model under budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restoreroute.app.measuring import open_subject
from restoreroute.errors import InputError
from restoreroute.evaluation.sweep import sweep
from restoreroute.spec.events import Listener, ignore
from restoreroute.spec.results import SweepResult, measured_set


def sweep_model(
    model: str | Path,
    folder: Path,
    budgets: Sequence[float],
    *,
    degraded: Path | None = None,
    baseline: Path | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    crop: int | None = None,
    seed: int = 0,
    device: str = "auto",
    listen: Listener = ignore,
) -> SweepResult:
    """Restore every image of a folder under each budget.

    Arguments are those of :func:`~restoreroute.app.evaluate.evaluate_model`.

    Args:
        budgets: shares of the full network's executed operations.
        degraded: folder of the degraded versions; None where the model's task makes them.

    Raises:
        InputError: for a model that routes nothing, and as ``evaluate_model`` does.
    """
    subject = open_subject(model, baseline=baseline, overrides=overrides, device=device)
    if subject.model.class_module is None:
        raise InputError(
            "routes nothing, so there is nothing to sweep",
            where=str(model),
            hint="restoreroute evaluate measures a single network",
        )
    with subject.pairs(subject.images(folder, degraded), crop=crop, listen=listen) as pairs:
        return sweep(
            subject.model,
            pairs,
            budgets,
            name=subject.name,
            set_name=measured_set(folder.name, crop),
            baseline=subject.baseline,
            seed=seed,
            device=subject.device,
            listen=listen,
        )
