"""Models on the runtime that the user chose."""

from __future__ import annotations

from pathlib import Path

import torch

from restoreroute.errors import InputError
from restoreroute.inference.runtimes import on_runtime
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.model_file import Model, load_model

TORCH = "torch"
"""The runtime that is used where none is named."""


def load_on_runtime(path: Path, catalogue: Catalogue, device: torch.device, runtime: str) -> Model:
    """A model file on a device, its branches on a runtime.

    Raises:
        InputError: if it is no model file, or the runtime does not run on the device or lacks a package.
        UnknownNameError: if no plugin offers the runtime.
        PluginError: if a plugin that the model needs is missing.
    """
    return move(load_model(path, catalogue), catalogue, device, runtime)


def move(model: Model, catalogue: Catalogue, device: torch.device, runtime: str) -> Model:
    """A model on a device, its branches on a runtime.  Raises as :func:`load_on_runtime`."""
    offer = catalogue.runtimes.get(runtime, where="runtime")
    if device.type not in offer.devices:
        served = ", ".join(sorted(offer.devices))
        raise InputError(f"runs on {served}, not on {device.type}", where=f"runtime {runtime}", hint="--device cpu")
    return on_runtime(model.to(device), offer.build(offer.options()))
