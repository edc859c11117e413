"""What updates the weights: Adam, as in the paper, or Muon for the convolutions and Adam for what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from restoreroute.spec.stages import StageOptions

COLOURS = 4
"""Kernels with no more inputs or outputs read or write an image."""
MOMENTUM = 0.95
COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Of the quintic Newton-Schulz iteration that the source of :class:`Muon` gives."""
ITERATIONS = 5
ADAM_RMS = 0.2
"""Root mean square of Adam's updates, in learning rates."""


class Optimiser(Protocol):
    """What a training loop needs; all of it is in :class:`torch.optim.Optimizer`."""

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Where the learning rate is set."""
        ...

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        ...

    def step(self) -> Any:
        """Update the weights."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        ...


def make_optimiser(network: nn.Module, options: StageOptions) -> Optimiser:
    """The optimiser of a stage, for what is to be trained of a network."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    betas = options.beta1, options.beta2
    if options.optimiser == "adam":
        return torch.optim.Adam(trained, lr=options.lr, betas=betas)
    kernels = [parameter for parameter in trained if _is_hidden_kernel(parameter)]
    chosen = {id(kernel) for kernel in kernels}
    others = [parameter for parameter in trained if id(parameter) not in chosen]
    parts: list[torch.optim.Optimizer] = []
    if kernels:
        parts.append(Muon(kernels, lr=options.lr))
    if others:
        parts.append(torch.optim.Adam(others, lr=options.lr, betas=betas))
    return Together(parts)


def _is_hidden_kernel(parameter: Tensor) -> bool:
    return parameter.ndim == 4 and min(parameter.shape[:2]) > COLOURS


class Muon(torch.optim.Optimizer):
    """Momentum whose update of each kernel is orthogonalised, so that no direction is left behind.

    Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; updates are scaled to
    the size of Adam's (J. Liu et al., "Muon is scalable for LLM training", 2025), so one learning rate serves both.
    :class:`torch.optim.Muon` takes matrices only, and computes in bfloat16, which few CPUs can.

    Args:
        kernels: (outputs, inputs, rows, columns) each; a matrix of a row for each output.
        lr: learning rate, as Adam's.
    """

    def __init__(self, kernels: Sequence[nn.Parameter], lr: float) -> None:
        super().__init__(kernels, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every kernel that has a gradient."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is None:
                    continue
                state = self.state[kernel]
                if not state:
                    state["momentum"] = torch.zeros_like(kernel)
                momentum = state["momentum"].lerp_(kernel.grad, 1 - MOMENTUM)
                direction = orthogonal(kernel.grad.lerp(momentum, MOMENTUM).flatten(1))
                size = ADAM_RMS * math.sqrt(max(direction.shape))
                kernel.add_(direction.reshape(kernel.shape), alpha=-group["lr"] * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the closest matrix (m, n) with singular values of 1: they come out between some 0.7 and 1.2."""
    tall = matrix.shape[0] > matrix.shape[1]
    found = matrix.T if tall else matrix
    found = found / found.norm().clamp(min=1e-7)  # singular values of at most 1
    first, third, fifth = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = found @ found.T
        found = torch.addmm(found, torch.addmm(gram, gram, gram, beta=third, alpha=fifth), found, beta=first)
    return found.T if tall else found


class Together:
    """Optimisers of different parameters as one."""

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Of all."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Of all."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        """Of all."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Of each, by its number."""
        return {str(number): part.state_dict() for number, part in enumerate(self.parts)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Of each, by its number."""
        for number, part in enumerate(self.parts):
            part.load_state_dict(state_dict[str(number)])
