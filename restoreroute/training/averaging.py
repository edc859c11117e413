"""An exponential moving average of a network's weights, which is steadier than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = list[Tensor] | tuple[Tensor, ...]

FIRST = 10
"""Early on the average spans at most about a tenth of the updates so far, or the start would stay in it for long."""


class WeightAverage:
    """The moving average of the weights of one network.

    Args:
        network: what is trained; its weights at this moment are the first average.
        decay: share of the old average that stays in each update, in (0, 1).
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        def blend(average: Tensors, current: Tensors, updates: Tensor | int) -> None:
            count = int(updates)
            torch._foreach_lerp_(average, current, 1 - min(decay, (1 + count) / (FIRST + count)))

        self._averaged = AveragedModel(network, multi_avg_fn=blend)

    def update(self, network: nn.Module) -> None:
        """Take the weights after an update into the average; buffers are taken as they are."""
        self._averaged.update_parameters(network)

    def give_to(self, network: nn.Module) -> None:
        """Give a network of the same kind the averaged weights."""
        network.load_state_dict(self._averaged.module.state_dict())

    @contextmanager
    def taken_by(self, network: nn.Module) -> Iterator[None]:
        """Within it the network has the averaged weights, after it its own again."""
        own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        self.give_to(network)
        try:
            yield
        finally:
            network.load_state_dict(own)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on."""
        return self._averaged.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._averaged.load_state_dict(state)
