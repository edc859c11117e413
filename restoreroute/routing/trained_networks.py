"""The networks of any file that holds some: a model file or a published checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.model_file import is_model_file, load_model
from restoreroute.routing.official import read_checkpoint
from restoreroute.spec.plan import BranchPlan


@dataclass(frozen=True, kw_only=True)
class TrainedNetworks:
    """Networks of one file.

    Attributes:
        branches: what each network is, and the network; cheapest first.
        scale: that all of them restore at.
    """

    branches: Sequence[tuple[BranchPlan, nn.Module]]
    scale: int


def read_networks(path: Path, catalogue: Catalogue, *, untold_scale: int) -> TrainedNetworks:
    """Trained networks with what they are.

    Args:
        path: a model file of restoreroute, or a ``.pth`` or ``.safetensors`` checkpoint of a family that knows its
            layout.
        catalogue: families and tasks that it may be of.
        untold_scale: what a checkpoint restores at whose tensors have the same shapes at every scale.

    Raises:
        InputError: if there is no such file, or it is neither of the two.
        PluginError: if a plugin that a model file needs is missing.
    """
    if not path.is_file():
        raise InputError("no such model or checkpoint", where=str(path), hint="a run writes model.safetensors")
    if is_model_file(path):
        model = load_model(path, catalogue)
        branches = list(zip(model.plans, model.branches, strict=True))
        return TrainedNetworks(branches=branches, scale=model.task.bound.scale)
    checkpoint = read_checkpoint(path, catalogue, untold_scale=untold_scale)
    return TrainedNetworks(branches=checkpoint.branches, scale=checkpoint.scale)
