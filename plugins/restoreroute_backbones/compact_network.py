"""The network of the compact family: one chain of 3x3 convolutions."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from restoreroute.spec.backbone import Step
from restoreroute_backbones.enlarging import Enlarging, conv, enlarged, enlarged_step
from restoreroute_backbones.layers import SiLU
from restoreroute_backbones.narrowing import IMAGE, Wire
from restoreroute_backbones.steps import in_steps

Activation = Literal["prelu", "relu", "silu"]


class Compact(nn.Module):
    """Convolutions with an activation after each but the last, a pixel shuffle, and the enlarged image.

    Args:
        width: features C of every hidden layer.
        depth: convolutions from C to C features, between the first and the last.
        activation: 'prelu' has one slope for each feature.
        skip: how the image is enlarged that the detail is added to; at scale 1 it is the image itself.
        scale: side of the output over side of the input.
        channels: of the image.
    """

    def __init__(
        self, *, width: int, depth: int, activation: Activation, skip: Enlarging, scale: int, channels: int
    ) -> None:
        super().__init__()
        self.scale = scale
        outputs = channels * scale**2
        hidden = [conv(width, width) for _ in range(depth)]
        self.convs = nn.ModuleList([conv(channels, width), *hidden, conv(width, outputs)])
        self.activations = nn.ModuleList(activated(activation, width) for _ in range(depth + 1))
        self.shuffle = nn.PixelShuffle(scale)
        self.base = enlarged(skip, scale)

    def forward(self, image: Tensor) -> Tensor:
        """(B, channels, h, w) in [0, 1] -> (B, channels, h * scale, w * scale)."""
        features = image
        for layer, activation in zip(self.convs, self.activations, strict=False):
            features = activation(layer(features))  # (B, C, h, w)
        detail = self.shuffle(self.convs[-1](features))  # (B, channels, h * scale, w * scale)
        restored: Tensor = detail + self.base(image)
        return restored

    def segments(self) -> list[list[Step]]:
        """The detail, convolution by convolution, and the enlarged image."""
        layers: list[tuple[str, nn.Module]] = []
        for layer, activation in zip(self.convs, self.activations, strict=False):
            layers += [("conv", layer), ("activation", activation)]
        layers += [("last", self.convs[-1]), ("shuffle", self.shuffle)]
        return [in_steps(layers), [enlarged_step(self.base, self.scale)]]

    def wires(self) -> list[Wire]:
        """Each convolution reads what the one before it wrote; slopes go with the features that they bend."""
        last = len(self.activations)
        spaces = [IMAGE, *(f"after {number}" for number in range(last)), IMAGE]
        return [
            Wire(
                layer=f"convs.{number}",
                reads=spaces[number],
                writes=spaces[number + 1],
                spread=self.scale**2 if number == last else 1,
                slopes=f"activations.{number}" if number < last and self._has_slopes() else None,
            )
            for number in range(last + 1)
        ]

    def _has_slopes(self) -> bool:
        return isinstance(self.activations[0], nn.PReLU)


def activated(activation: Activation, width: int) -> nn.Module:
    """What follows a convolution to ``width`` features; in place where gradients do not need its input."""
    if activation == "prelu":
        return nn.PReLU(width)
    return nn.ReLU(inplace=True) if activation == "relu" else SiLU()
