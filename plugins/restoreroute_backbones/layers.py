"""Parts that several networks are composed of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def run(layers: nn.Sequential, features: Tensor) -> Tensor:
    """One layer after the other."""
    for layer in layers:
        features = layer(features)
    return features


def convolution(network: nn.Module, name: str) -> nn.Conv2d:
    """The convolution of that name.

    Raises:
        TypeError: if it is none.
    """
    layer = network.get_submodule(name)
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"{name} is no convolution")
    return layer


class Residual(nn.Sequential):
    """x + what the layers make of x."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        return features + run(self, features)


class Sum(nn.ModuleDict):
    """The sum of what each child makes of the same input."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> whatever shape all children agree on."""
        first, *others = (child(features) for child in self.values())
        total: Tensor = first
        for other in others:
            total = total + other
        return total


class Cascade(nn.Module):
    """Cascading connections of CARN: each stage's output is joined to all before it and fused.

    Args:
        stages: applied in turn; fewer than ``fusions`` are used again, so that they share their weights.
        fusions: number ``i`` maps ``(i + 2) * C`` channels to C.
    """

    def __init__(self, stages: Sequence[nn.Module], fusions: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.fusions = nn.ModuleList(fusions)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        gathered = features
        for number, fusion in enumerate(self.fusions):
            stage = self.stages[number % len(self.stages)]
            gathered = torch.cat([gathered, stage(features)], dim=1)  # (B, (number + 2) * C, h, w)
            features = fusion(gathered)
        return features


class ChannelAttention(nn.Sequential):
    """Features times a weight for each channel, learnt from their means over the whole input (RCAN, section 3.3)."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        return features * run(self, features.mean(dim=(2, 3), keepdim=True))  # weights are (B, C, 1, 1)


class SiLU(nn.Module):
    """x * sigmoid(x), in place where there are no gradients; with them its input is needed again."""

    def forward(self, features: Tensor) -> Tensor:
        """Any shape."""
        return functional.silu(features, inplace=not torch.is_grad_enabled())


class Gain(nn.Module):
    """x times a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        return features if self.factor == 1 else features * self.factor


class MeanShift(nn.Conv2d):
    """A fixed 1x1 convolution that adds a constant to each channel.  It has parameters and never learns."""

    def __init__(self, shift: Sequence[float]) -> None:
        super().__init__(len(shift), len(shift), 1)
        with torch.no_grad():
            self.weight.copy_(torch.eye(len(shift))[:, :, None, None])
            if self.bias is not None:
                self.bias.copy_(torch.tensor(shift))

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        return functional.conv2d(image, self.weight.detach(), None if self.bias is None else self.bias.detach())


class FixedNorm(nn.BatchNorm2d):
    """Batch normalisation whose statistics stay as they are: a scale and a shift for each channel that are learnt."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        return functional.batch_norm(
            features, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


class Bicubic(nn.Module):
    """MATLAB-like bicubic enlargement (a = -0.5, border mirrored), the same as :func:`restoreroute.imaging.resize`.

    Each axis is a convolution with one small kernel for each of the ``scale`` output phases, so that its cost is
    counted like that of any layer.  It has no parameters.
    """

    kernels: Tensor

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        offset = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5  # of each phase from the pixel's centre
        kernels = _cubic(offset[:, None] - torch.arange(-REACH, REACH + 1))  # (scale, 5)
        self.register_buffer("kernels", kernels.float(), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h * scale, w * scale), not clipped."""
        batch, channels, height, width = image.shape
        planes = _mirrored(image.reshape(batch * channels, 1, height, width))
        across = functional.conv2d(planes, self.kernels[:, None, None, :])  # (B * C, scale, h + 4, w)
        across = across.permute(0, 2, 3, 1).reshape(batch * channels, 1, height + 2 * REACH, width * self.scale)
        down = functional.conv2d(across, self.kernels[:, None, :, None])  # (B * C, scale, h, w * scale)
        return down.transpose(1, 2).reshape(batch, channels, height * self.scale, width * self.scale)


REACH = 2
"""Pixels that the cubic kernel reaches at each side."""


def _cubic(distance: Tensor) -> Tensor:
    """The cubic convolution kernel of Keys (1981) with a = -0.5."""
    x = distance.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0))


def _mirrored(planes: Tensor) -> Tensor:
    """(N, 1, h, w) with REACH pixels more at each side: the border mirrored, its outermost pixel twice."""
    for dim in (2, 3):
        length = planes.shape[dim]
        position = torch.arange(-REACH, length + REACH, device=planes.device) % (2 * length)
        planes = planes.index_select(dim, torch.minimum(position, 2 * length - 1 - position))
    return planes


def steps_up(scale: int) -> tuple[int, ...]:
    """The pixel shuffles that lead to a scale: 4 goes up in two steps."""
    return (2, 2) if scale == 4 else (scale,)
