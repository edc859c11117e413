"""An exponential moving average of a network's weights, which is steadier than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

FIRST = 10
"""Early on the average spans at most about a tenth of the updates so far, or the start would stay in it for long."""


class WeightAverage:
    """The moving average of the parameters of one network.

    All tensors are blended by one call: :class:`torch.optim.swa_utils.AveragedModel`, which goes through them one by
    one, took a third of an update of a small network on a GPU.

    Args:
        network: what is trained; its weights at this moment are the first average.
        decay: share of the old average that stays in each update, in (0, 1).
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        self._decay = decay
        self._updates = 0
        self._weights = [parameter.detach().clone() for parameter in network.parameters()]

    def update(self, network: nn.Module) -> None:
        """Take the weights after an update into the average."""
        decay = min(self._decay, (1 + self._updates) / (FIRST + self._updates))
        torch._foreach_lerp_(self._weights, _weights_of(network), 1 - decay)
        self._updates += 1

    def give_to(self, network: nn.Module) -> None:
        """Give a network of the same kind the averaged weights; its buffers stay as they are."""
        torch._foreach_copy_(_weights_of(network), self._weights)

    @contextmanager
    def taken_by(self, network: nn.Module) -> Iterator[None]:
        """Within it the network has the averaged weights, after it its own again."""
        own = [weight.clone() for weight in _weights_of(network)]
        self.give_to(network)
        try:
            yield
        finally:
            torch._foreach_copy_(_weights_of(network), own)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on."""
        return {"updates": self._updates, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._updates = state["updates"]
        torch._foreach_copy_(self._weights, state["weights"])


def _weights_of(network: nn.Module) -> list[Tensor]:
    return [parameter.detach() for parameter in network.parameters()]
