"""The network of SRResNet without normalisation, as ClassSR routes it (MSRResNet)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), 3x3, no normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, width, h, w) -> the same."""
        residual: Tensor = self.second(functional.relu(self.first(features)))
        return features + residual


class SRResNet(nn.Module):
    """Residual blocks at low resolution, convolutions and pixel shuffles up, added to a bilinear interpolation.

    Args:
        channels: image channels.
        width: features of every layer.
        blocks: number of residual blocks.
        scale: 2, 3 or 4; 4 goes up in two steps.
    """

    def __init__(self, *, channels: int, width: int, blocks: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.trunk = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        steps = (2, 2) if scale == 4 else (scale,)
        self.up = nn.ModuleList(nn.Conv2d(width, width * step**2, 3, padding=1) for step in steps)
        self.shuffles = nn.ModuleList(nn.PixelShuffle(step) for step in steps)
        self.fine = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, degraded: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h * scale, w * scale)."""
        features = self.trunk(functional.leaky_relu(self.head(degraded), SLOPE))
        for convolution, shuffle in zip(self.up, self.shuffles, strict=True):
            features = functional.leaky_relu(shuffle(convolution(features)), SLOPE)  # one step larger
        detail: Tensor = self.tail(functional.leaky_relu(self.fine(features), SLOPE))
        base = functional.interpolate(degraded, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return detail + base

    def initialise(self, *, interpolating: bool) -> None:
        """Kaiming normal times 0.1 and zero biases, as the authors'; an interpolating start has no detail at first."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                layer.weight.data *= 0.1
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        if interpolating:
            nn.init.zeros_(self.tail.weight)
