"""What a network alone minimises: how far restored sub-images are from clean ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from restoreroute.routing.losses import image_loss
from restoreroute.spec.stages import NetworkStage

ROUNDING = 1e-3
"""Below this difference the Charbonnier distance is nearly a square."""

SCALE_EXPONENTS = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333
"""Of MS-SSIM, finest scale first (Wang et al. 2003)."""
WINDOW = 11
SIGMA = 1.5
LUMINANCE = 0.01**2
CONTRAST = 0.03**2
"""Both keep quotients finite; for values in [0, 1]."""
LEAST_SIMILARITY = 1e-4
"""What opposite images count as: powers of less have no finite gradient."""


def charbonnier(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean of sqrt(d^2 + 0.001^2), d the difference: L1 with a gradient that is continuous at zero.

    Source: P. Charbonnier et al., ICIP 1994; in super-resolution W.-S. Lai et al., "LapSRN", CVPR 2017.

    Args:
        restored: (B, C, H, W) on [0, 1], as ``clean``.
    """
    return ((restored - clean).square() + ROUNDING**2).sqrt().mean()


def amplitude_distance(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean L1 distance of the amplitudes of the Fourier transforms of each channel.

    The transform is orthonormal: noise of some standard deviation has amplitudes of that size, however large the
    sub-images are, so that one weight serves all of them.  Source: D. Fuoli et al., "Fourier Space Losses for Efficient
    Perceptual Image Super-Resolution", ICCV 2021.

    Args:
        restored: (B, C, H, W) on [0, 1], as ``clean``.
    """
    restored_amplitude, clean_amplitude = (torch.fft.rfft2(images, norm="ortho").abs() for images in (restored, clean))
    return functional.l1_loss(restored_amplitude, clean_amplitude)


def ms_ssim(restored: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity over several scales, 1 for equal images: mean over images and channels.

    Each scale halves the sides (an odd last row or column is left out).  There are up to five, as many as leave a side
    of at least the window, 11 pixels with a Gaussian of 1.5; with fewer the exponents are scaled to the same sum.  In
    images that are smaller themselves the window is cut to their side.

    Source: Z. Wang, E. Simoncelli and A. Bovik, "Multi-scale structural similarity for image quality assessment", 2003.

    Args:
        restored: (B, C, H, W) on [0, 1], as ``clean``.
    """
    scales = min(len(SCALE_EXPONENTS), max(1, (min(clean.shape[2:]) // WINDOW).bit_length()))
    similarities = []
    for scale in range(scales):
        if scale:
            restored, clean = functional.avg_pool2d(restored, 2), functional.avg_pool2d(clean, 2)
        luminance, structure = _similarity(restored, clean)  # (B, C, h, w)
        if scale == scales - 1:
            structure = luminance * structure
        similarities.append(structure.mean(dim=(2, 3)))
    exponents = clean.new_tensor(SCALE_EXPONENTS[:scales])
    bases = torch.stack(similarities, dim=-1).clamp(min=LEAST_SIMILARITY)  # (B, C, scales)
    return bases.pow(exponents / exponents.sum()).prod(dim=-1).mean()


def _similarity(restored: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
    """Of the luminance, and of contrast and structure, in every window (Wang et al. 2004, eqs. 6, 9 and 10)."""
    maps = torch.stack([restored, clean, restored.square(), clean.square(), restored * clean])
    height, width = clean.shape[2:]
    size = min(WINDOW, height, width)
    rows, columns = _windows(height, size, like=clean), _windows(width, size, like=clean)
    mean_r, mean_c, square_r, square_c, product = rows @ maps @ columns.T
    means = mean_r * mean_c
    squares = mean_r.square() + mean_c.square()
    luminance = (2 * means + LUMINANCE) / (squares + LUMINANCE)
    structure = (2 * (product - means) + CONTRAST) / (square_r + square_c - squares + CONTRAST)
    return luminance, structure


def _windows(length: int, size: int, *, like: Tensor) -> Tensor:
    """Gaussian weights of every window that lies within a line, (length - size + 1, length), each of sum 1.

    A product with a matrix, and no convolution, because GPUs convolve in reduced precision unless told otherwise, and
    variances are small differences.
    """
    first = torch.arange(length - size + 1, device=like.device)
    offset = torch.arange(length, device=like.device) - first[:, None]
    distance = (offset - (size - 1) / 2).to(like.dtype)
    weights = (-(distance / SIGMA).square() / 2).exp() * ((offset >= 0) & (offset < size))
    return weights / weights.sum(dim=1, keepdim=True)


MAIN_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"l1": image_loss, "charbonnier": charbonnier, "mse": functional.mse_loss}
)
"""By the names that a recipe gives them."""


@dataclass(frozen=True, kw_only=True)
class ImageLoss:
    """A main loss, and further terms where they have a weight.

    Attributes:
        main: of restored and clean sub-images.
        fft: weight of :func:`amplitude_distance`; 0 does not compute it.
        ms_ssim: weight of 1 - :func:`ms_ssim`; 0 does not compute it.
    """

    main: Callable[[Tensor, Tensor], Tensor]
    fft: float = 0.0
    ms_ssim: float = 0.0

    @classmethod
    def from_options(cls, options: NetworkStage) -> ImageLoss:
        """The loss that a stage asks for."""
        return cls(main=MAIN_LOSSES[options.loss], fft=options.fft, ms_ssim=options.ms_ssim)

    def __call__(self, restored: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """The total (key ``"total"``) and its unweighted terms (``"image"``, and ``"fft"`` and ``"ms_ssim"`` if any).

        Args:
            restored: (B, C, H, W) float32 on [0, 1], as ``clean``.
        """
        terms = {"image": self.main(restored, clean)}
        total = terms["image"]
        if self.fft:
            terms["fft"] = amplitude_distance(restored, clean)
            total = total + self.fft * terms["fft"]
        if self.ms_ssim:
            terms["ms_ssim"] = 1 - ms_ssim(restored, clean)
            total = total + self.ms_ssim * terms["ms_ssim"]
        return {"total": total, **terms}
