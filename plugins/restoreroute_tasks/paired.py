"""Restoration learnt from pairs: degraded images come with the data, as a camera, a scanner or a codec made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pydantic import Field

from restoreroute.errors import InputError
from restoreroute.spec.options import Options
from restoreroute.spec.task import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PairedOptions(Options):
    """What can be set for paired data."""

    scale: int = Field(1, ge=1, le=8, description="side of the clean image over side of the degraded one")


@dataclass(frozen=True, kw_only=True)
class Paired:
    """RGB restoration of degraded images that exist; see :class:`restoreroute.spec.task.BoundTask`."""

    scale: int
    channels: int = 3
    random: bool = False
    degraded_bits: int | None = None

    @property
    def crop_border(self) -> int:
        """As for super-resolution; nothing where the size stays."""
        return self.scale if self.scale > 1 else 0

    def degrade(self, clean: NDArray[np.float32], generator: np.random.Generator) -> NoReturn:
        """Refuse: how images were degraded is not known.

        Raises:
            InputError: always.
        """
        raise InputError(
            "makes no degraded images: they come with the data",
            where="task paired",
            hint="use a data source that has them, such as 'pairs'",
        )

    def interpolate(self, degraded: NDArray[np.float32]) -> NDArray[np.float32]:
        """The image itself, or bicubic interpolation, not clipped, where it grows."""
        from restoreroute.imaging.resize import resize

        return degraded if self.scale == 1 else resize(degraded, self.scale)


def bind(options: PairedOptions) -> Paired:
    """The task at the scale of its options."""
    return Paired(scale=options.scale)


PAIRED = Task(
    name="paired",
    summary="restoration of RGB images whose degraded versions come with the data: real noise, scans, compression",
    options=PairedOptions,
    build=bind,
    degrades=False,
)
