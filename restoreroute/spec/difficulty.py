"""How hard a sub-image is to restore: what splits the data into the classes that branches are pre-trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from restoreroute.spec.offering import Offering

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Restore = Callable[[NDArray[np.float32]], NDArray[np.float32]]
    Score = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float64]]


class References(Protocol):
    """Ways to restore that an estimator may measure.  Batches are B x h x w x C float32 in [0, 1]."""

    def interpolation(self) -> Restore:
        """The task's own interpolation."""
        ...

    def network(self, model: str | None) -> Restore:
        """The full network of a model file or published checkpoint, or this run's baseline for None.

        Raises:
            InputError: if the file can't be read, or is for another scale.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class DifficultyEstimator(Offering["Score"]):
    """An estimator that recipes can name.

    ``build(options, references)`` gives a function of a batch of degraded (B x h x w x C) and clean sub-images
    (B x H x W x C) that returns B scores; a higher score is harder (paper section 3.1 ranks by PSNR).
    """

    kind = "difficulty estimator"
