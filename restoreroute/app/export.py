"""Write a model for other programs."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from restoreroute.app.models import find_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.errors import InputError, OutputError
from restoreroute.inference.seamless import halo_of
from restoreroute.routing.model_file import Model, load_model
from restoreroute.routing.onnx_file import to_onnx

FORMAT = 1
ROUTING = "routing.json"
CLASS_MODULE = "class_module.onnx"


def export_model(model: str | Path, folder: Path, *, force: bool = False) -> list[Path]:
    """Write each branch and the Class-Module as ONNX, and how to route as ``routing.json``.

    Args:
        model: the name of an installed model, or a model file.
        folder: is made; nothing is left behind where writing fails.
        force: replace an export that is there.

    Returns:
        The files.

    Raises:
        InputError: if there is no such model, the folder is there already (with ``force``: and is no export), or the
            package onnx is missing.
        OutputError: if they can't be written.
    """
    try:
        import onnx  # noqa: F401 (torch writes ONNX files with it)
    except ImportError:
        raise InputError("needs the package onnx", where="export", hint="pip install 'restoreroute[onnx]'") from None
    folder = folder.resolve()
    if folder.exists():
        if not force:
            raise InputError("exists already", where=str(folder), hint="--force replaces an export")
        if not (folder / ROUTING).is_file():
            raise InputError(f"holds no {ROUTING}, so it is no export", where=str(folder), hint="name another folder")
    catalogue = open_catalogue()
    loaded = load_model(find_model(model, catalogue).model, catalogue)
    channels = loaded.task.bound.channels
    files = {
        f"branch_{number}.onnx": partial(to_onnx, network, channels=channels)
        for number, network in enumerate(loaded.branches)
    }
    if loaded.class_module is not None:
        files[CLASS_MODULE] = partial(to_onnx, loaded.class_module, channels=channels, output="logits", output_axes=())
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as place:
            new, old = Path(place, "new"), Path(place, "old")
            new.mkdir()
            for name, content in files.items():
                (new / name).write_bytes(content())
            (new / ROUTING).write_text(json.dumps(_routing(loaded, list(files)), indent=1))
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
    except OSError as error:
        raise OutputError(f"can't be written: {error.strerror}", where=str(folder)) from error
    return [folder / name for name in (*files, ROUTING)]


def _routing(model: Model, files: list[str]) -> dict[str, Any]:
    """All that a program needs beside the networks."""
    branches = zip(model.plans, model.costs, files, strict=False)
    return {
        "format": FORMAT,
        "task": model.task.offer.name,
        "scale": model.branches.scale,
        "channels": model.task.bound.channels,
        "range": [0, 1],
        "patch": model.patch,
        "cell": model.stride,
        "halo": halo_of(model),
        "branches": [
            {"file": file, "name": plan.name, "operations_per_patch": cost.executed} for plan, cost, file in branches
        ],
        "class_module": None
        if model.class_module is None
        else {
            "file": CLASS_MODULE,
            "operations_per_patch": model.class_module_cost.executed,
            "speed": model.speed,
            "route": "p: softmax of the logits of the patch around a cell; its branch: the largest p / cost**speed, "
            "where cost is operations_per_patch of the branch and the Class-Module together",
        },
    }
