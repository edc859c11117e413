"""The step of a run that chooses how much its model prefers cheap branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter
from torch import Tensor

from restoreroute.app.keys import digest
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import PREFERENCE, reported
from restoreroute.evaluation.preference import choose, measure_preference
from restoreroute.imaging.atomic import write_atomically
from restoreroute.reporting.plain_json import from_json, to_json
from restoreroute.reporting.tables import preference_facts
from restoreroute.routing.model_file import Model
from restoreroute.spec.events import Listener, StepReused, WorkProgress
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.results import Preference, PreferenceCurve


def choose_preference(
    plan: RunPlan,
    model: Model,
    images: Sequence[tuple[Tensor, Tensor]],
    folder: RunFolder,
    *,
    key: str,
    listen: Listener,
) -> Preference | None:
    """Measure the model on validation photos, unless that is done already, and choose within ``routing.loss_db``.

    Args:
        plan: the run's.
        model: on the device of the images.
        images: degraded and clean, (C, h, w) and (C, H, W) in [0, 1].
        folder: keeps the curve, which other bounds are chosen from without measuring again.
        key: what the model and the images depend on.
        listen: hears of the step.

    Returns:
        None where the recipe fixes the preference or nothing is routed.
    """
    routing = plan.routing
    if routing.speed is not None or model.class_module is None:
        return None
    key = digest(key, routing.patch, routing.stride)
    if (curve := _load(folder.preference, key)) is not None:
        listen(StepReused(step=PREFERENCE))
        return choose(curve, routing.loss_db)
    with reported(listen, PREFERENCE, f"{len(images)} photos") as finish:
        curve = measure_preference(
            model,
            images,
            progress=lambda done, total: listen(WorkProgress(step=PREFERENCE, done=done, total=total)),
        )
        _save(folder.preference, key, curve)
        preference = choose(curve, routing.loss_db)
        finish(preference_facts(preference))
    return preference


def with_preference(model: Model, preference: Preference | None) -> Model:
    """The model with what was chosen for it, and the figures in its summary; as it is where nothing was."""
    if preference is None:
        return model
    facts = {"loss_db": preference.loss_db, **asdict(preference.chosen)}
    return replace(model, speed=preference.chosen.speed, summary={**model.summary, "preference": facts})


def _save(path: Path, key: str, curve: PreferenceCurve) -> None:
    content = to_json({"key": key, **asdict(curve)})
    write_atomically(path, lambda file: file.write(content))


def _load(path: Path, key: str) -> PreferenceCurve | None:
    """The curve saved under the same key; None where it is missing, damaged or of another key."""
    try:
        content = from_json(path.read_text())
        if content.pop("key") != key:
            return None
        return TypeAdapter(PreferenceCurve).validate_python(content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
