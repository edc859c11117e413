"""What a network costs, in two conventions that are never mixed.

executed: 2 x multiply-accumulates that are really done.
paper: as published for ClassSR, which charges a transposed convolution at its output size, stride^2 times what
is done.  The two agree wherever there is no transposed convolution.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from restoreroute.routing.branches import BranchBank, Split


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Operations (2 per multiply-accumulate) for one input, and the parameters that do them."""

    executed: int
    paper: int
    parameters: int


@dataclass(frozen=True, kw_only=True)
class UnpaddedCost:
    """Operations of a step without padding over h x w pixels: area * h * w - sides * (h + w) + corners.

    Of several convolutions each leaves fewer pixels to the next one, so they come to less than a cost per pixel of the
    input and to more than one per pixel of the output.
    """

    area: float
    sides: float
    corners: float

    def over(self, height: int, width: int) -> float:
        """Operations for an input of that size."""
        return self.area * height * width - self.sides * (height + width) + self.corners


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """What a step of a network costs, and how it lies in its chain (:class:`~restoreroute.spec.backbone.Step`).

    Attributes:
        executed: operations per pixel of its input.
        unpadded: what it executes without padding; None where it has no such way.
    """

    executed: float
    reach: int
    scale: int
    unpadded: UnpaddedCost | None


def measure_cost(network: nn.Module, input_shape: Sequence[int]) -> Cost:
    """Count what a forward pass does, on the real network, without computing it.

    Args:
        network: any module with one tensor argument.
        input_shape: (B, C, h, w).
    """
    shadow = copy.deepcopy(network).to("meta").eval()
    example = torch.empty(tuple(input_shape), device="meta")
    return Cost(
        executed=_count(shadow, example, {}),
        paper=_count(shadow, example, {torch.ops.aten.convolution: _convolution_at_output_size}),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )


def measure_steps(network: nn.Module, split: Split | None, input_shape: Sequence[int]) -> list[list[StepCost]]:
    """The cost of each step, chain by chain.

    Args:
        network: what the steps are of.
        split: as :class:`~restoreroute.routing.branches.BranchBank` takes it.
        input_shape: (B, C, h, w).
    """
    shadow = copy.deepcopy(network).to("meta").eval()
    found: list[list[StepCost]] = []
    for chain in BranchBank([shadow], scale=1, splits=[split]).chains(0):
        example = torch.empty(tuple(input_shape), device="meta")
        found.append([])
        for step in chain:
            executed = _count(step.run, example, {}) / prod(example.shape[2:])
            unpadded = None if step.inner is None else _unpadded_cost(step.inner, step.reach, example)
            found[-1].append(StepCost(executed=executed, reach=step.reach, scale=step.scale, unpadded=unpadded))
            with torch.no_grad():
                example = step.run(example)
    return found


def _unpadded_cost(run: Callable[[torch.Tensor], Any], reach: int, example: torch.Tensor) -> UnpaddedCost:
    """Counted at three sizes, which decide the three coefficients."""
    small, large = 2 * reach + 1, 2 * reach + 2
    mapping = {torch.ops.aten.convolution: _convolution_by_what_it_makes}

    def count(height: int, width: int) -> int:
        return _count(run, example.new_empty(*example.shape[:2], height, width), mapping)

    least, oblong, most = count(small, small), count(small, large), count(large, large)
    area = most - 2 * oblong + least
    sides = area * small - (oblong - least)
    return UnpaddedCost(area=area, sides=sides, corners=least - area * small**2 + sides * 2 * small)


def _count(run: Callable[[torch.Tensor], Any], example: torch.Tensor, mapping: dict[Any, Any]) -> int:
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=mapping) as counter:
        run(example)
    return int(counter.get_total_flops())


def _convolution_by_what_it_makes(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    bias: Any,
    stride: Sequence[int],
    *geometry: Any,
    out_shape: Sequence[int],
    **unused: Any,
) -> int:
    """As executed; a transposed convolution only for those input pixels whose output it keeps."""
    transposed = geometry[2]
    at_output = _convolution_at_output_size(
        input_shape, weight_shape, bias, stride, *geometry, out_shape=out_shape, **unused
    )
    return at_output // prod(stride) if transposed else at_output


def _convolution_at_output_size(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    transposed: bool,
    *_rest: Any,
    out_shape: Sequence[int],
    **_unused: Any,
) -> int:
    """Charge a transposed convolution for every pixel of its output, an ordinary one as executed."""
    if not transposed:
        return int(conv_flop_count(list(input_shape), list(weight_shape), list(out_shape), transposed=False))
    return 2 * out_shape[0] * prod(weight_shape) * prod(out_shape[2:])
