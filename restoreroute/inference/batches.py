"""Batches of images of one size as arrays, B x h x w x C in [0, 1], restored each on its own and not clipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from restoreroute.data.sub_images import as_array, as_tensor
from restoreroute.spec.task import BoundTask

if TYPE_CHECKING:
    from restoreroute.spec.difficulty import Restore


def by_interpolation(task: BoundTask) -> Restore:
    """The task's interpolation, of a whole batch at once: as one image of B * C channels."""

    def restore(degraded: NDArray[np.float32]) -> NDArray[np.float32]:
        batch, height, width, channels = degraded.shape
        together = degraded.transpose(1, 2, 0, 3).reshape(height, width, batch * channels)
        restored = task.interpolate(together)
        unfolded = restored.reshape(*restored.shape[:2], batch, channels)
        return unfolded.transpose(2, 0, 1, 3)

    return restore


def by_network(network: nn.Module, device: torch.device) -> Restore:
    """One network, in evaluation on ``device``."""

    def restore(degraded: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return as_array(network(as_tensor(degraded).to(device)))

    return restore
