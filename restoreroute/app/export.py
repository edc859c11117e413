"""Write a model for other programs."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
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
        force: replace a folder that is there.

    Returns:
        The files.

    Raises:
        InputError: if there is no such model, the folder is there already, or the package onnx is missing.
        OutputError: if they can't be written.
    """
    try:
        import onnx  # noqa: F401 (torch writes ONNX files with it)
    except ImportError:
        raise InputError("needs the package onnx", where="export", hint="pip install 'restoreroute[onnx]'") from None
    if folder.exists() and not force:
        raise InputError("exists already", where=str(folder), hint="--force replaces it")
    catalogue = open_catalogue()
    loaded = load_model(find_model(model, catalogue).model, catalogue)
    channels = loaded.task.bound.channels
    files = {
        f"branch_{number}.onnx": partial(to_onnx, network, channels=channels)
        for number, network in enumerate(loaded.branches)
    }
    if loaded.class_module is not None:
        files[CLASS_MODULE] = partial(to_onnx, loaded.class_module, channels=channels, output="logits", output_axes=())
    waiting = folder.with_name(f".{folder.name}.writing")
    try:
        shutil.rmtree(waiting, ignore_errors=True)
        waiting.mkdir(parents=True)
        for name, content in files.items():
            (waiting / name).write_bytes(content())
        (waiting / ROUTING).write_text(json.dumps(_routing(loaded, list(files)), indent=1))
        if folder.exists():
            shutil.rmtree(folder)
        waiting.rename(folder)
    except OSError as error:
        shutil.rmtree(waiting, ignore_errors=True)
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
        "cell": model.stride,
        "halo": halo_of(model),
        "branches": [
            {"file": file, "name": plan.name, "operations_per_patch": cost.executed} for plan, cost, file in branches
        ],
        "class_module": None
        if model.class_module is None
        else {
            "file": CLASS_MODULE,
            "patch": model.patch,
            "operations_per_patch": model.class_module_cost.executed,
            "route": "p: softmax of the logits of the patch around a cell; its branch: the largest p / cost**speed",
        },
    }
