"""What updates the weights: Adam, as in the paper, or Muon for the convolutions and Adam for what is left."""

from __future__ import annotations

import math
from collections import defaultdict
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


def make_optimiser(network: nn.Module, options: StageOptions, *, recorded: bool = False) -> Optimiser:
    """The optimiser of a stage, for what is to be trained of a network.

    Args:
        network: its parameters that require a gradient are trained.
        options: which optimiser, and its settings.
        recorded: whether its steps are recorded on a GPU: nothing of them may then be a Python number that changes.
    """
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    rate = torch.tensor(options.lr, device=trained[0].device) if recorded else options.lr
    adam: dict[str, Any] = {"lr": rate, "betas": (options.beta1, options.beta2), "capturable": recorded}
    if options.optimiser == "adam":
        return torch.optim.Adam(trained, **adam)
    if options.optimiser == "adamw":
        return torch.optim.AdamW(trained, **adam, weight_decay=options.weight_decay)
    kernels = [parameter for parameter in trained if _is_hidden_kernel(parameter)]
    chosen = {id(kernel) for kernel in kernels}
    others = [parameter for parameter in trained if id(parameter) not in chosen]
    parts: list[torch.optim.Optimizer] = []
    if kernels:
        parts.append(Muon(kernels, lr=rate, weight_decay=options.weight_decay))
    if others:
        parts.append(torch.optim.Adam(others, **adam))
    return Together(parts)


def set_rate(optimiser: Optimiser, rate: float) -> None:
    """Give every group of parameters a learning rate; one that is a tensor stays the same tensor."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def go_on(optimiser: Optimiser, state: dict[str, Any]) -> None:
    """Give an optimiser a saved state; learning rates that are tensors come to where the parameters are."""
    optimiser.load_state_dict(state)
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"] = group["lr"].to(group["params"][0].device)


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
        weight_decay: share of each weight that an update takes away, in learning rates.
    """

    def __init__(self, kernels: Sequence[nn.Parameter], lr: float | Tensor, weight_decay: float = 0.0) -> None:
        super().__init__(kernels, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every kernel that has a gradient; kernels of one shape together."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for kernel in group["params"]:
                if kernel.grad is not None:
                    alike[len(kernel), kernel[0].numel()].append(kernel)
            for shape, kernels in alike.items():
                directions = orthogonal(torch.stack([step.flatten(1) for step in self._momenta(kernels)]))
                steps = directions * (group["lr"] * ADAM_RMS * math.sqrt(max(shape)))
                if group["weight_decay"]:
                    torch._foreach_mul_(kernels, 1 - group["lr"] * group["weight_decay"])
                changes = [step.reshape(kernel.shape) for step, kernel in zip(steps, kernels, strict=True)]
                torch._foreach_sub_(kernels, changes)

    def _momenta(self, kernels: Sequence[Tensor]) -> Sequence[Tensor]:
        """Nesterov's momentum of each kernel, in the kernel's shape."""
        gradients = [kernel.grad for kernel in kernels if kernel.grad is not None]
        for kernel in kernels:
            if not self.state[kernel]:
                self.state[kernel]["momentum"] = torch.zeros_like(kernel)
        momenta = [self.state[kernel]["momentum"] for kernel in kernels]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        return torch._foreach_lerp(gradients, momenta, MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly the closest matrices (K, m, n) with singular values of 1: they come out between some 0.7 and 1.2."""
    tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if tall else matrices
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)  # singular values of at most 1
    first, third, fifth = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth), wide, beta=first)
    return wide.mT if tall else wide


class Together:
    """Several optimisers, of different parameters each, as one.

    Args:
        parts: the optimisers, in an order that stays the same when a training goes on.
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parts."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        """Update the weights of all parts."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """The state of each part, by its number."""
        return {str(number): part.state_dict() for number, part in enumerate(self.parts)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give each part its state."""
        for number, part in enumerate(self.parts):
            part.load_state_dict(state_dict[str(number)])
