"""The networks of any file that holds some: a model file or a published checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.model_file import is_model_file, load_model
from restoreroute.routing.official import read_checkpoint
from restoreroute.spec.plan import BranchPlan

Networks = Sequence[tuple[BranchPlan, nn.Module]]


def read_networks(path: Path, catalogue: Catalogue, *, scale: int) -> Networks:
    """Trained networks with what they are, cheapest first.

    Args:
        path: a model file of restoreroute, or a ``.pth`` or ``.safetensors`` checkpoint of a family that knows its
            layout.
        catalogue: families and tasks that it may be of.
        scale: that the networks have to restore at.

    Raises:
        InputError: if there is no such file, it is neither of the two, or it is for another scale.
        PluginError: if a plugin that a model file needs is missing.
    """
    found: Networks
    if not path.is_file():
        raise InputError("no such model or checkpoint", where=str(path), hint="a run writes model.safetensors")
    if is_model_file(path):
        model = load_model(path, catalogue)
        found, at = list(zip(model.plans, model.branches, strict=True)), model.task.bound.scale
    else:
        checkpoint = read_checkpoint(path, catalogue, scale=scale)
        found, at = checkpoint.branches, checkpoint.scale
    if at != scale:
        raise InputError(f"restores at scale {at}, this run at {scale}", where=str(path))
    return found
