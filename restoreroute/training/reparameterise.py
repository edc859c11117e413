"""Training with wider linear blocks that are one 3x3 kernel wherever they run.

While it is expanded, a convolution's kernel is W + P.E: the plain kernel W, and a 3x3 convolution E to more channels
followed by a 1x1 convolution P back.  The blocks are linear, so they are collapsed to one kernel before anything is
convolved, in each update: training costs little more, and the trained network is the plain one.

Sources: K. Bhardwaj et al., "Collapsible Linear Blocks for Super-Efficient Super Resolution" (SESR), MLSys 2022;
X. Zhang et al., "Edge-oriented Convolution Block" (ECBSR), ACM MM 2021.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

EXPANSION = 4
"""Channels between E and P for each output."""
LEAST = 64
"""Channels between E and P of a convolution with few outputs."""


class CollapsedBlock(nn.Module):
    """What is added to a plain kernel: the collapsed product of the two kernels of a linear block.

    Both are four-dimensional, as the kernels of convolutions are, so that an optimiser treats them as such.

    Args:
        kernel: (outputs, inputs, rows, columns); gives shape, device and type.
        generator: draws E, on the CPU, so that every device starts alike.

    Attributes:
        expand: E, (p, inputs, rows, columns), Kaiming normal without the gain of an activation, since none follows.
        project: P, (outputs, p, 1, 1), zeros: the function of the network starts as it was.
    """

    def __init__(self, kernel: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        outputs, *window = kernel.shape
        channels = max(EXPANSION * outputs, LEAST)
        expand = nn.init.kaiming_normal_(torch.empty(channels, *window), nonlinearity="linear", generator=generator)
        self.expand = nn.Parameter(expand.to(kernel))
        self.project = nn.Parameter(kernel.new_zeros(outputs, channels, 1, 1))

    def forward(self, kernel: Tensor) -> Tensor:
        """W -> W + P.E, both (outputs, inputs, rows, columns)."""
        return kernel + (self.project.flatten(1) @ self.expand.flatten(1)).reshape(kernel.shape)


def expanded(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """A copy of a network whose plain 3x3 convolutions are wider blocks, and which computes the same.

    Plain is what is an ``nn.Conv2d`` itself, of one group: subclasses may hold their weights fixed, and transposed
    convolutions are others.

    Args:
        network: stays as it is.
        generator: draws the new kernels, on the CPU.
    """
    wider = copy.deepcopy(network)
    for layer in [layer for layer in wider.modules() if _is_plain(layer)]:
        block = CollapsedBlock(layer.get_parameter("weight"), generator)
        parametrize.register_parametrization(layer, "weight", block)
    return wider


def collapsed_state(wider: nn.Module) -> dict[str, Tensor]:
    """The state of the plain network that a network from :func:`expanded` computes the same as, up to rounding."""
    state = {}
    for name, tensor in wider.state_dict().items():
        layer, inside, part = name.partition("parametrizations.weight.")
        if not inside:
            state[name] = tensor
        elif part == "original":
            state[f"{layer}weight"] = _kernel(wider.get_submodule(layer.removesuffix(".")))
    return state


def _is_plain(layer: nn.Module) -> bool:
    return type(layer) is nn.Conv2d and layer.groups == 1 and layer.kernel_size == (3, 3)


def _kernel(layer: nn.Module) -> Tensor:
    kernel = layer.weight
    if not isinstance(kernel, Tensor):
        raise TypeError("a parametrised convolution gives its kernel as a tensor")
    return kernel.detach()
