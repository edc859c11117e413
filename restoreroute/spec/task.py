"""What a restoration task is: how clean images become degraded ones, and how results are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from restoreroute.spec.offering import Offering

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor


@runtime_checkable
class BoundTask(Protocol):
    """A task with its options set.  Images are H x W x C float32 in [0, 1]."""

    @property
    def scale(self) -> int:
        """Side of the clean image over side of the degraded one; 1 where the size stays."""
        ...

    @property
    def channels(self) -> int:
        """Colour channels that networks take and give."""
        ...

    @property
    def random(self) -> bool:
        """True if :meth:`degrade` draws from its generator; degraded images are then made anew each time."""
        ...

    @property
    def degraded_bits(self) -> int | None:
        """8 where degraded values are multiples of 1/255, None where they are any float."""
        ...

    @property
    def crop_border(self) -> int:
        """Pixels of the clean image dropped at each side before a metric."""
        ...

    def degrade(self, clean: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        """Degrade a clean image whose sides are multiples of ``scale``.

        Args:
            clean: H x W x C in [0, 1].
            generator: the only source of randomness.

        Returns:
            H/scale x W/scale x C.
        """
        ...

    def interpolate(self, degraded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Restore without a network, for example by bicubic interpolation: the row every network has to beat.

        Args:
            degraded: h x w x C; C may be any number of channels.

        Returns:
            h*scale x w*scale x C, not clipped.
        """
        ...


@runtime_checkable
class DegradesTensors(Protocol):
    """What a :class:`BoundTask` may do too: degrade batches where they are, on a GPU for example.

    Training then need not bring degraded images from the CPU.  Values are drawn from the distribution of
    :meth:`BoundTask.degrade`, not the same values.
    """

    def degrade_tensors(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Degrade each image of a batch by a draw of its own, of a noise level for example.

        Args:
            clean: (B, C, H, W) float32 in [0, 1] on any device, sides multiples of ``scale``; stays as it is.
            generator: the only source of randomness, on the device of ``clean``.

        Returns:
            (B, C, H/scale, W/scale) float32 on the same device.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Task(Offering[BoundTask]):
    """A task that recipes can name.  ``build(options)`` gives a :class:`BoundTask`.

    Attributes:
        degrades: whether it makes degraded images; False where they come with the data, and :meth:`BoundTask.degrade`
            raises an :class:`restoreroute.errors.InputError`.
    """

    kind = "task"

    degrades: bool = True

    def facts(self) -> dict[str, Any]:
        return {"makes degraded images": self.degrades}
