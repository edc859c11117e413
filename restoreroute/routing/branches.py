"""The branches: networks that restore the same images at different cost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from restoreroute.spec.backbone import Chain, Step

Split = Callable[[nn.Module], Sequence[Chain]]
"""A network -> chains of steps whose outputs add up to what it computes."""


class BranchBank(nn.Module):
    """M networks of one task, cheapest first.

    Each maps (B, C, h, w) to (B, C, h * scale, w * scale).  Keys of the state are ``<index>.<parameter>``.

    Args:
        networks: the branches.
        scale: side of their outputs over side of their inputs.
        splits: how each falls into steps; None for a network, or for all, that runs whole.
    """

    def __init__(
        self, networks: Sequence[nn.Module], *, scale: int, splits: Sequence[Split | None] | None = None
    ) -> None:
        super().__init__()
        if not networks:
            raise ValueError("a BranchBank needs at least one network")
        self.scale = scale
        self._splits = splits or [None] * len(networks)
        for index, network in enumerate(networks):
            self.add_module(str(index), network)

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: int) -> nn.Module:
        return self.get_submodule(str(range(len(self))[index]))

    def __iter__(self) -> Iterator[nn.Module]:
        return self.children()

    def chains(self, index: int) -> Sequence[Chain]:
        """A branch in steps; one that runs whole is one step, which uses all the context that there is."""
        split, network = self._splits[index], self[index]
        return [[Step(run=network, reach=sys.maxsize, scale=self.scale)]] if split is None else split(network)

    def runs_whole(self, index: int) -> bool:
        """Whether a branch has no steps."""
        return self._splits[index] is None

    def mixture(self, degraded: Tensor, probability: Tensor) -> Tensor:
        """Every branch on every sub-image, weighted by its probability (paper eq. 1): training only.

        Args:
            degraded: (B, C, h, w).
            probability: (B, M).
        """
        return mix([branch(degraded) for branch in self], probability)


def mix(outputs: Sequence[Tensor], probability: Tensor) -> Tensor:
    """Sum over i of p_i * outputs_i (paper eq. 1).

    Args:
        outputs: M tensors (B, C, H, W).
        probability: (B, M).
    """
    weights = probability[:, :, None, None, None]  # (B, M, 1, 1, 1)
    mixture = outputs[0] * weights[:, 0]
    for index in range(1, len(outputs)):
        mixture = torch.addcmul(mixture, outputs[index], weights[:, index])
    return mixture
