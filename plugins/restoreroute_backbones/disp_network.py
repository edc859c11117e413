"""The network of the disp family: residual blocks of plain convolutions with SiLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoreroute.spec.backbone import Step
from restoreroute_backbones.enlarging import conv, enlarged, enlarged_step
from restoreroute_backbones.layers import SiLU
from restoreroute_backbones.long_skip import long_skip_steps
from restoreroute_backbones.narrowing import IMAGE, Wire
from restoreroute_backbones.steps import central

CONVOLUTIONS = 4
"""Convolutions in a block."""


class Block(nn.Module):
    """Four convolutions with SiLU after each; the block's input is added after the last SiLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv(width, width) for _ in range(CONVOLUTIONS))
        self.activation = SiLU()

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same, without the outermost four pixels where convolutions do not pad."""
        inside = features
        for layer in self.convs:
            inside = self.activation(layer(inside))
        return inside + central(features, inside)


class Disp(nn.Module):
    """Blocks and a fusion under a long skip connection, a pixel shuffle, and the image enlarged bilinearly.

    Args:
        width: features C of every hidden layer.
        blocks: residual blocks of four convolutions.
        fuse: kernel of the convolution after the blocks, 1 or 3.
        scale: side of the output over side of the input.
        channels: of the image.
    """

    def __init__(self, *, width: int, blocks: int, fuse: int, scale: int, channels: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = conv(channels, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.fuse = conv(width, width, fuse)
        self.tail = conv(width, channels * scale**2)
        self.shuffle = nn.PixelShuffle(scale)
        self.base = enlarged("bilinear", scale)

    def forward(self, image: Tensor) -> Tensor:
        """(B, channels, h, w) in [0, 1] -> (B, channels, h * scale, w * scale)."""
        shallow = self.head(image)  # (B, C, h, w)
        features = shallow
        for block in self.blocks:
            features = block(features)
        features = self.fuse(features) + shallow
        detail = self.shuffle(self.tail(features))  # (B, channels, h * scale, w * scale)
        restored: Tensor = detail + self.base(image)
        return restored

    def segments(self) -> list[list[Step]]:
        """The detail, block by block, and the enlarged image."""
        detail = long_skip_steps(
            head=self.head,
            blocks=[(block, CONVOLUTIONS) for block in self.blocks],
            fuse=self.fuse,
            tail=[("tail", self.tail), ("shuffle", self.shuffle)],
        )
        return [detail, [enlarged_step(self.base, self.scale)]]

    def wires(self) -> list[Wire]:
        """The blocks read and write the features that skip connections add; three spaces inside each are its own."""
        wires = [Wire(layer="head", reads=IMAGE, writes="trunk")]
        for number in range(len(self.blocks)):
            inside = [f"block {number} after {layer}" for layer in range(CONVOLUTIONS - 1)]
            spaces = ["trunk", *inside, "trunk"]
            for layer in range(CONVOLUTIONS):
                name = f"blocks.{number}.convs.{layer}"
                wires.append(Wire(layer=name, reads=spaces[layer], writes=spaces[layer + 1]))
        wires.append(Wire(layer="fuse", reads="trunk", writes="trunk"))
        wires.append(Wire(layer="tail", reads="trunk", writes=IMAGE, spread=self.scale**2))
        return wires


@torch.no_grad()
def weaken_residuals(network: Disp, gain: float) -> None:
    """Scale the last convolution of each block, so that blocks begin as little more than their input."""
    for block in network.blocks:
        block.get_parameter(f"convs.{CONVOLUTIONS - 1}.weight").mul_(gain)
