"""Measured times of regions, kept for each model and machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from platformdirs import user_cache_path
from pydantic import TypeAdapter, ValidationError

from restoreroute.app.devices import choose_device
from restoreroute.app.models import find_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.provenance import code_version, machine
from restoreroute.imaging.atomic import write_atomically
from restoreroute.inference.calibration import Seconds, measure_seconds
from restoreroute.routing.model_file import Model, load_model
from restoreroute.spec.events import Listener, WorkProgress, ignore

STEP = "calibrate"


def calibrate(model: str | Path, *, device: str = "auto", listen: Listener = ignore) -> Path:
    """Time a model's branches on this machine, and keep what was found for restoring.

    Nothing else should run meanwhile.

    Args:
        model: the name of an installed model, or a model file.

    Returns:
        The file that was written.

    Raises:
        InputError: if there is no such model, or the device does not exist.
        OutputError: if the file can't be written.
    """
    chosen = choose_device(device)
    catalogue = open_catalogue()
    path = find_model(model, catalogue).model
    measure_and_keep(path, load_model(path, catalogue).to(chosen), chosen, listen=listen)
    return _place(path, chosen)


def measure_and_keep(path: Path, model: Model, device: torch.device, *, listen: Listener = ignore) -> Seconds:
    """Time a loaded model and keep what was found.

    Raises:
        OutputError: if it can't be written.
    """
    seconds = measure_seconds(
        model, device, progress=lambda done, total: listen(WorkProgress(step=STEP, done=done, total=total))
    )
    place = _place(path, device)
    place.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(asdict(seconds), indent=1).encode()
    write_atomically(place, lambda file: file.write(content))
    return seconds


def kept_seconds(path: Path, device: torch.device) -> Seconds | None:
    """What was measured for a model file on this machine, with these threads and versions; None if nothing was."""
    try:
        return TypeAdapter(Seconds).validate_json(_place(path, device).read_bytes())
    except (OSError, ValidationError):
        return None


def _place(path: Path, device: torch.device) -> Path:
    facts = [*machine().values(), str(device), torch.__version__, code_version()]
    key = hashlib.sha256(path.read_bytes() + json.dumps(facts).encode()).hexdigest()[:16]
    return user_cache_path("restoreroute") / f"seconds-{path.stem}-{key}.json"
