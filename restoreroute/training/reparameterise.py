"""Training with wider linear blocks that are one 3x3 kernel wherever they run.

While it is expanded, a convolution's kernel is W + P.E: the plain kernel W, and a 3x3 convolution E to more channels
followed by a 1x1 convolution P back.  The blocks are linear, so they are collapsed to one kernel before anything is
convolved, in each update: training costs little more, and the trained network is the plain one.

Sources: K. Bhardwaj et al., "Collapsible Linear Blocks for Super-Efficient Super Resolution" (SESR), MLSys 2022;
X. Zhang et al., "Edge-oriented Convolution Block" (ECBSR), ACM MM 2021.
"""

from __future__ import annotations

from typing import TypeGuard

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


def expand(network: nn.Module, generator: torch.Generator) -> int:
    """Train every plain 3x3 convolution of a network as a wider block from now on.

    Plain is what is an ``nn.Conv2d`` itself, of one group: subclasses may hold their weights fixed, and transposed
    convolutions are others.  What is expanded already is left alone.  The network computes what it did before.

    Args:
        network: is changed in place; it can be copied, saved as a state and loaded from one.
        generator: draws the new kernels, on the CPU.

    Returns:
        How many convolutions were expanded.
    """
    layers = [layer for layer in network.modules() if _is_plain(layer)]
    for layer in layers:
        block = CollapsedBlock(layer.get_parameter("weight"), generator)
        parametrize.register_parametrization(layer, "weight", block)
    return len(layers)


def fold(network: nn.Module) -> int:
    """Leave each expanded convolution the one kernel that its block comes to.

    The network computes what it did before, up to rounding.  Its parameters have the names and the order that they had
    before :func:`expand`, so that states of optimisers, which go by the order, fit a network that never was expanded.

    Args:
        network: is changed in place; copies of it stay expanded.

    Returns:
        How many convolutions were folded.
    """
    layers = [layer for layer in network.modules() if _is_expanded(layer)]
    for layer in layers:
        _own_class(layer)
        parametrize.remove_parametrizations(layer, "weight")
        if layer.bias is not None:
            bias = layer.get_parameter("bias")
            del layer.bias  # the kernel was put back last; what is set again comes after it
            layer.bias = bias
    return len(layers)


def _is_plain(layer: nn.Module) -> bool:
    return type(layer) is nn.Conv2d and layer.groups == 1 and layer.kernel_size == (3, 3)


def _is_expanded(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    if not parametrize.is_parametrized(layer, "weight"):
        return False
    blocks = layer.get_submodule("parametrizations.weight")
    return isinstance(blocks, nn.ModuleList) and any(isinstance(block, CollapsedBlock) for block in blocks)


def _own_class(layer: nn.Module) -> None:
    """Part a layer from its copies, which torch leaves one class, with the property that folding takes away."""
    shared = type(layer)
    layer.__class__ = type(shared.__name__, shared.__bases__, dict(shared.__dict__))
