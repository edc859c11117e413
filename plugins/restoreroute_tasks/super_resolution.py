"""Super-resolution: the degraded image is the clean one reduced by MATLAB-like bicubic, in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from restoreroute.spec.options import Options
from restoreroute.spec.task import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SuperResolutionOptions(Options):
    """What can be set for super-resolution."""

    scale: int = Field(4, ge=2, le=8, description="side of the clean image over side of the degraded one")


@dataclass(frozen=True, kw_only=True)
class SuperResolution:
    """RGB super-resolution by a fixed factor; see :class:`restoreroute.spec.task.BoundTask`."""

    scale: int
    channels: int = 3
    random: bool = False
    degraded_bits: int | None = 8

    @property
    def crop_border(self) -> int:
        return self.scale

    def degrade(self, clean: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        """Antialiased bicubic (a = -0.5) by 1/scale, rounded to 8 bits as the field's test sets are."""
        import numpy as np

        from restoreroute.imaging.color import from_float, to_float
        from restoreroute.imaging.resize import resize

        return to_float(from_float(resize(clean, 1 / self.scale), np.dtype(np.uint8)))

    def interpolate(self, degraded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bicubic interpolation, not clipped."""
        from restoreroute.imaging.resize import resize

        return resize(degraded, self.scale)


def bind(options: SuperResolutionOptions) -> SuperResolution:
    """The task at the scale of its options."""
    return SuperResolution(scale=options.scale)


SUPER_RESOLUTION = Task(
    name="super_resolution",
    summary="bicubic super-resolution of RGB images (x4 unless said)",
    options=SuperResolutionOptions,
    build=bind,
)
