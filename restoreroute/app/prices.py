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
from restoreroute.app.runtimes import TORCH, load_on_runtime
from restoreroute.imaging.atomic import write_atomically
from restoreroute.inference.calibration import Seconds, measure_seconds
from restoreroute.spec.events import Listener, WorkProgress, ignore

STEP = "calibrate"


def calibrate(model: str | Path, *, device: str = "auto", runtime: str = TORCH, listen: Listener = ignore) -> Path:
    """Time a model's branches on this machine, and keep what was found for restoring.

    Nothing else should run meanwhile.

    Args:
        model: the name of an installed model, or a model file.
        runtime: what runs the branches.

    Returns:
        The file that was written.

    Raises:
        InputError: if there is no such model or device, or the runtime can't be had.
        OutputError: if the file can't be written.
    """
    chosen = choose_device(device)
    catalogue = open_catalogue()
    path = find_model(model, catalogue).model
    seconds = measure_seconds(
        load_on_runtime(path, catalogue, chosen, runtime),
        chosen,
        progress=lambda done, total: listen(WorkProgress(step=STEP, done=done, total=total)),
    )
    place = _place(path, chosen, runtime)
    place.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(asdict(seconds), indent=1).encode()
    write_atomically(place, lambda file: file.write(content))
    return place


def kept_seconds(path: Path, device: torch.device, runtime: str) -> Seconds | None:
    """What was measured for a model file on this machine, with these threads and versions; None if nothing was."""
    try:
        return TypeAdapter(Seconds).validate_json(_place(path, device, runtime).read_bytes())
    except (OSError, ValidationError):
        return None


def _place(path: Path, device: torch.device, runtime: str) -> Path:
    facts = [*machine().values(), str(device), runtime, torch.__version__, code_version()]
    key = hashlib.sha256(path.read_bytes() + json.dumps(facts).encode()).hexdigest()[:16]
    return user_cache_path("restoreroute") / f"seconds-{path.stem}-{key}.json"
