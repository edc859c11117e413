"""Checkpoints as others write them, of fresh networks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from restoreroute.routing.model_file import build_class_module
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.stages import ClassModuleOptions

Tensors = dict[str, Tensor]

BASICSR = {
    "srresnet": {r"recon_trunk\.(\d+)\.": r"body.\1.", "HRconv": "conv_hr"},
    "rcan": {
        r"(sub|add)_mean\.": "",
        r"head\.0": "conv_first",
        r"body\.(\d+)\.body\.(\d+)\.body\.3\.conv_du\.0": r"body.\1.residual_group.\2.rcab.3.attention.1",
        r"body\.(\d+)\.body\.(\d+)\.body\.3\.conv_du\.2": r"body.\1.residual_group.\2.rcab.3.attention.3",
        r"body\.(\d+)\.body\.(\d+)\.body\.([02])": r"body.\1.residual_group.\2.rcab.\3",
        r"body\.(\d+)\.body\.\d+\.(?=weight|bias)": r"body.\1.conv.",
        r"body\.\d+\.(?=weight|bias)": "conv_after_body.",
        r"tail\.0\.([02])": r"upsample.\1",
        r"tail\.1": "conv_last",
    },
}
"""How later versions of BasicSR call the authors' layers: pattern at the start of a name -> what it becomes."""


def make(family: BackboneFamily, *, width: int, scale: int = 4, channels: int = 3, **options: Any) -> nn.Module:
    """A network whose weights differ from those of any other that is made so."""
    torch.manual_seed(width)
    network = family.build(family.options.model_validate(options), width=width, scale=scale, channels=channels)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not name.startswith(("centre", "restore")):
                parameter.add_(torch.rand_like(parameter), alpha=0.01)
    return network.eval()


def authors_names(family: BackboneFamily, network: nn.Module) -> Tensors:
    """The weights under the names of ClassSR's authors."""
    assert family.official is not None
    original = family.official.original
    # the number of the layer after a group's blocks, which ours does not have, is any
    return {original(name).replace("*", "77"): tensor for name, tensor in network.state_dict().items()}


def basicsr_names(family: BackboneFamily, network: nn.Module) -> Tensors:
    """The weights under the names of BasicSR, which leaves the mean of colours out."""
    return {
        new: tensor
        for name, tensor in authors_names(family, network).items()
        if not (new := _renamed(name, BASICSR[family.name])).startswith(("weight", "bias"))
    }


def _renamed(name: str, table: Mapping[str, str]) -> str:
    for pattern, new in table.items():
        renamed, times = re.subn(f"^{pattern}", new, name)
        if times:
            return renamed
    return name


def classifier(branches: int, *, width: int = 8, channels: int = 3) -> Tensors:
    """A Class-Module's weights under the names of ClassSR's authors."""
    module = build_class_module(ClassModuleOptions(width=width), channels=channels, branches=branches, seed=branches)
    layers = {"features": "CondNet", "logits": "lastOut"}
    return {re.sub(r"^\w+", lambda found: layers[found[0]], name): t for name, t in module.state_dict().items()}


def routed(*branches: Tensors, module: Tensors | None = None) -> Tensors:
    """One dictionary of all parts."""
    parts = {"classifier": classifier(len(branches)) if module is None else module}
    parts |= {f"net{number}": tensors for number, tensors in enumerate(branches, start=1)}
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}


def without(tensors: Tensors, unwanted: Callable[[str], object]) -> Tensors:
    """All but the tensors whose name is unwanted."""
    return {name: tensor for name, tensor in tensors.items() if not unwanted(name)}
