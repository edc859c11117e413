"""Denoising: the degraded image is the clean one with Gaussian noise, by default neither clipped nor rounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from restoreroute.spec.options import Options
from restoreroute.spec.task import Task

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

Sigma = Annotated[float, Field(ge=0, le=255)]


class GaussianDenoisingOptions(Options):
    """What can be set for denoising."""

    sigma: Sigma | tuple[Sigma, Sigma] = Field(
        25.0,
        description="standard deviation of the noise on the 0..255 scale; a range [low, high] draws one for each "
        "sub-image (blind denoising)",
    )
    quantise: bool = Field(
        False,
        description="clip noisy images to [0, 1] and round them to 8 bits; costs a trained network more than 1 dB",
    )

    @field_validator("sigma")
    @classmethod
    def _rising(cls, sigma: float | tuple[float, float]) -> float | tuple[float, float]:
        if isinstance(sigma, tuple) and sigma[0] > sigma[1]:
            raise ValueError(f"must not fall, from {sigma[0]:g} to {sigma[1]:g}")
        return sigma


@dataclass(frozen=True, kw_only=True)
class GaussianDenoising:
    """RGB denoising; see :class:`restoreroute.spec.task.BoundTask` and, for tensors, ``DegradesTensors`` there.

    Attributes:
        sigma: lowest and highest standard deviation on the 0..255 scale.
        quantise: whether noisy images are clipped and rounded to 8 bits.
    """

    sigma: tuple[float, float]
    quantise: bool
    scale: int = 1
    channels: int = 3
    random: bool = True
    crop_border: int = 0

    @property
    def degraded_bits(self) -> int | None:
        return 8 if self.quantise else None

    def degrade(self, clean: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        """Add noise of one standard deviation, drawn uniformly from the range."""
        import numpy as np

        from restoreroute.imaging.color import from_float, to_float

        sigma = np.float32(generator.uniform(*self.sigma) / 255)
        noisy = clean + sigma * generator.standard_normal(clean.shape, dtype=np.float32)
        return to_float(from_float(noisy, np.uint8)) if self.quantise else noisy

    def degrade_tensors(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to each image (B, C, H, W), of a standard deviation drawn for it uniformly from the range."""
        import torch

        low, high = (sigma / 255 for sigma in self.sigma)
        share = torch.rand(len(clean), 1, 1, 1, generator=generator, device=clean.device)
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        noisy = clean + (low + (high - low) * share) * noise
        if not self.quantise:
            return noisy
        return (noisy.clamp(0, 1) * 255 + 0.5).floor() / 255  # halves rounded up, as `degrade` does

    def interpolate(self, degraded: NDArray[np.float32]) -> NDArray[np.float32]:
        """The noisy image itself."""
        return degraded


def bind(options: GaussianDenoisingOptions) -> GaussianDenoising:
    """The task at the noise level of its options."""
    sigma = options.sigma
    return GaussianDenoising(sigma=sigma if isinstance(sigma, tuple) else (sigma, sigma), quantise=options.quantise)


GAUSSIAN_DENOISING = Task(
    name="gaussian_denoising",
    summary="removal of Gaussian noise from RGB images (sigma 25 unless said)",
    options=GaussianDenoisingOptions,
    build=bind,
)
