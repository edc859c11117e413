"""The network of the disp family: residual blocks of plain convolutions with SiLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoreroute_backbones.enlarging import conv
from restoreroute_backbones.layers import SiLU
from restoreroute_backbones.long_skip import Block, LongSkipNetwork
from restoreroute_backbones.narrowing import IMAGE, Wire
from restoreroute_backbones.steps import central

CONVOLUTIONS = 4
"""Convolutions in a block."""


class ResidualBlock(Block):
    """Four convolutions with SiLU after each; the block's input is added after the last SiLU."""

    reach = CONVOLUTIONS

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


class Disp(LongSkipNetwork):
    """The whole network.

    Args:
        width: features C of every hidden layer.
        blocks: residual blocks of four convolutions.
        fuse: kernel of the convolution after the blocks, 1 or 3.
        scale: side of the output over side of the input.
        channels: of the image.
    """

    def __init__(self, *, width: int, blocks: int, fuse: int, scale: int, channels: int) -> None:
        made = (ResidualBlock(width) for _ in range(blocks))
        super().__init__(made, width=width, fuse=fuse, scale=scale, channels=channels)

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
