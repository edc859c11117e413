"""Steps of networks whose blocks lie under a long skip connection.

What the connection adds is needed at its end, many pixels further in than where it began.  So the steps between pass it
on beside their features, and both are cut to the pixels that later steps need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from restoreroute.spec.backbone import Step
from restoreroute_backbones.steps import in_steps, unpadded


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
        blocks: each with its reach; they keep the number of features.
        fuse: the last convolution under the connection.
        tail: what follows, by name, as :func:`~restoreroute_backbones.steps.in_steps` takes it.
    """
    reach = int(fuse.padding[0])
    return [
        Step(run=_twice(head), reach=int(head.padding[0]), inner=_twice(unpadded(head))),
        *(Step(run=_beside(block), reach=block_reach) for block, block_reach in blocks),
        Step(run=_joined(fuse), reach=reach, inner=_joined(unpadded(fuse), lost=reach)),
        *in_steps(tail),
    ]


def _twice(head: nn.Module) -> Callable[[Tensor], Tensor]:
    """(B, channels, h, w) -> (B, 2 * C, h, w): the features, and the same to be kept."""

    def run(image: Tensor) -> Tensor:
        features: Tensor = head(image)
        return torch.cat([features, features], dim=1)

    return run


def _beside(block: nn.Module) -> Callable[[Tensor], Tensor]:
    """(B, 2 * C, h, w) -> the same: a block over the features, what is kept stays."""

    def run(both: Tensor) -> Tensor:
        features, kept = both.chunk(2, dim=1)
        return torch.cat([block(features), kept], dim=1)

    return run


def _joined(fuse: nn.Module, *, lost: int = 0) -> Callable[[Tensor], Tensor]:
    """(B, 2 * C, h, w) -> (B, C, h - 2 * lost, w - 2 * lost): the fused features and what was kept of those pixels."""

    def run(both: Tensor) -> Tensor:
        features, kept = both.chunk(2, dim=1)
        height, width = kept.shape[2:]
        fused: Tensor = fuse(features)
        return fused + kept[..., lost : height - lost, lost : width - lost]

    return run
