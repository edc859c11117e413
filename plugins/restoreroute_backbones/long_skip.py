"""Steps of networks whose blocks lie under a long skip connection.

What the connection adds is needed at its end, many pixels further in than where it began.  So the steps between pass it
on beside their features, and both are cut to the pixels that later steps need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from restoreroute.spec.backbone import Step
from restoreroute_backbones.steps import central, in_steps, unpadded


def long_skip_steps(
    *,
    head: nn.Conv2d,
    blocks: Sequence[tuple[nn.Module, int]],
    fuse: nn.Conv2d,
    tail: Sequence[tuple[str, nn.Module]],
) -> list[Step]:
    """The steps of ``tail(fuse(blocks(head(x))) + head(x))``.

    Args:
        head: what makes the features that the connection adds.
        blocks: each with its reach; they keep the number of features, and run without padding too, as
            :func:`~restoreroute_backbones.steps.unpadded` has it.
        fuse: the last convolution under the connection.
        tail: what follows, by name, as :func:`~restoreroute_backbones.steps.in_steps` takes it.
    """
    return [
        Step(run=_twice(head), reach=int(head.padding[0]), inner=_twice(unpadded(head))),
        *(Step(run=_beside(block), reach=block_reach, inner=_beside(unpadded(block))) for block, block_reach in blocks),
        Step(run=_joined(fuse), reach=int(fuse.padding[0]), inner=_joined(unpadded(fuse))),
        *in_steps(tail),
    ]


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
