"""Networks that are a sequence of layers, cut into steps.

Torch is imported by whoever has a network to cut.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from restoreroute.spec.backbone import Step

if TYPE_CHECKING:
    from torch import Tensor, nn


def in_steps(layers: Iterable[tuple[str, nn.Module]], *, reaches: Mapping[str, int] | None = None) -> list[Step]:
    """Steps that each begin with a layer that looks at its neighbours; what follows such a layer goes with it.

    Args:
        layers: names and layers, in the order in which they run.
        reaches: how far layers reach that are neither convolutions nor work on each pixel alone.
    """
    from torch import nn

    known = reaches or {}
    groups: list[list[tuple[str, nn.Module]]] = []
    for name, layer in layers:
        if not groups or name in known or _geometry(layer)[0]:
            groups.append([])
        groups[-1].append((name, layer))
    steps = []
    for group in groups:
        first, rest = group[0], [layer for _, layer in group[1:]]
        reach, scale = (known[first[0]], 1) if first[0] in known else _geometry(first[1])
        for layer in rest:
            scale *= _geometry(layer)[1]
        steps.append(
            Step(
                run=nn.Sequential(first[1], *rest),
                reach=reach,
                scale=scale,
                inner=None if first[0] in known else nn.Sequential(unpadded(first[1]), *rest),
            )
        )
    return steps


def _geometry(layer: nn.Module) -> tuple[int, int]:
    """How far a layer's output reaches into its input, and how many times larger it is."""
    from torch import nn

    from restoreroute_backbones.deconvolution import Deconvolution

    if isinstance(layer, Deconvolution):
        return layer.reach, layer.stride[0]
    if isinstance(layer, nn.Conv2d):
        return int(layer.padding[0]), 1
    return (0, layer.upscale_factor) if isinstance(layer, nn.PixelShuffle) else (0, 1)


def unpadded(layer: nn.Module) -> nn.Module:
    """The same layer or block, with the same parameters, whose convolutions do not pad.

    A block that adds or multiplies features from before its convolutions has to take them by :func:`central`.
    """
    from torch import nn

    from restoreroute_backbones.deconvolution import Deconvolution, Inside

    if isinstance(layer, Deconvolution):
        return Inside(layer)
    layer = copy.copy(layer)
    layer._modules = {name: unpadded(child) for name, child in layer.named_children()}
    if isinstance(layer, nn.Conv2d):
        layer.padding = (0, 0)
    return layer


def central(features: Tensor, inside: Tensor) -> Tensor:
    """The part of features that lies where ``inside`` does, which convolutions made of them.

    With padding that is all of them; without, the border is missing that the convolutions have only seen.

    Args:
        features: (B, C, h, w).
        inside: (B, C', h - 2 * n, w - 2 * n).

    Returns:
        (B, C, h - 2 * n, w - 2 * n).
    """
    height, width = inside.shape[2:]
    if features.shape[2:] == (height, width):
        return features
    top, left = (features.shape[2] - height) // 2, (features.shape[3] - width) // 2
    return features[..., top : top + height, left : left + width]
