"""Networks whose blocks lie under a long skip connection, beside the enlarged image, and their steps.

What the connection adds is needed at its end, many pixels further in than where it began.  So the steps between pass it
on beside their features, and both are cut to the pixels that later steps need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from restoreroute.spec.backbone import Step
from restoreroute_backbones.enlarging import conv, enlarged, enlarged_step
from restoreroute_backbones.steps import central, in_steps, unpadded


class Block(nn.Module):
    """A part of such a network that keeps the number of features, and runs without padding too.

    Attributes:
        reach: how far an output depends on the features that the block is given.
    """

    reach: int


class LongSkipNetwork(nn.Module):
    """Blocks and a fusion under a long skip connection, a pixel shuffle, and the image enlarged bilinearly.

    Args:
        blocks: one after the other.
        width: features C between the blocks.
        fuse: kernel of the convolution after the blocks.
        scale: side of the output over side of the input.
        channels: of the image.
    """

    def __init__(self, blocks: Iterable[Block], *, width: int, fuse: int, scale: int, channels: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = conv(channels, width)
        self.blocks = nn.ModuleList(blocks)
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
        head, fuse = self.head, self.fuse
        detail = [
            Step(run=_twice(head), reach=int(head.padding[0]), inner=_twice(unpadded(head))),
            *(
                Step(run=_beside(block), reach=block.reach, inner=_beside(unpadded(block)))
                for block in self.blocks
                if isinstance(block, Block)
            ),
            Step(run=_joined(fuse), reach=int(fuse.padding[0]), inner=_joined(unpadded(fuse))),
            *in_steps([("tail", self.tail), ("shuffle", self.shuffle)]),
        ]
        return [detail, [enlarged_step(self.base, self.scale)]]


def _twice(head: nn.Module) -> Callable[[Tensor], Tensor]:
    """(B, channels, h, w) -> (B, 2 * C, h, w): the features, and the same to be kept."""

    def run(image: Tensor) -> Tensor:
        features: Tensor = head(image)
        return torch.cat([features, features], dim=1)

    return run


def _beside(block: nn.Module) -> Callable[[Tensor], Tensor]:
    """(B, 2 * C, h, w) -> the same, or without the border that the block leaves out: what is kept stays."""

    def run(both: Tensor) -> Tensor:
        features, kept = both.chunk(2, dim=1)
        made: Tensor = block(features)
        return torch.cat([made, central(kept, made)], dim=1)

    return run


def _joined(fuse: nn.Module) -> Callable[[Tensor], Tensor]:
    """(B, 2 * C, h, w) -> (B, C, h, w), or without the border that is left out: fused features plus what was kept."""

    def run(both: Tensor) -> Tensor:
        features, kept = both.chunk(2, dim=1)
        fused: Tensor = fuse(features)
        return fused + central(kept, fused)

    return run
