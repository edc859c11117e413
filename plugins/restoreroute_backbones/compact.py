"""A compact network: one chain of 3x3 convolutions, as SRVGGNetCompact (Real-ESRGAN) and plain ECBSR (MM 2021) are.

torch is imported where networks are made, so that reading the descriptor stays cheap.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily, OfficialLayout, Recognised, Shape
from restoreroute.spec.options import Options
from restoreroute_backbones import published
from restoreroute_backbones.self_cutting import chains, narrow
from restoreroute_backbones.widths import published_or_spaced

if TYPE_CHECKING:
    from torch import nn

WIDTHS = (16, 32, 48)


class CompactOptions(Options):
    """What can be set for the compact network."""

    depth: int = Field(4, ge=0, description="3x3 convolutions between the first and the last")
    activation: Literal["prelu", "relu", "silu"] = Field(
        "prelu", description="what follows each convolution but the last; 'prelu' has one slope for each feature"
    )
    skip: Literal["nearest", "bilinear"] = Field(
        "nearest", description="how the image is enlarged that the detail is added to; at scale 1 it stays as it is"
    )
    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts close to the enlarged image; 'official' draws all layers (Kaiming)",
    )


def build(options: CompactOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network; see :class:`restoreroute_backbones.compact_network.Compact`."""
    from restoreroute_backbones.compact_network import Compact
    from restoreroute_backbones.enlarging import start_as_enlarged
    from restoreroute_backbones.initialise import kaiming
    from restoreroute_backbones.layers import convolution

    network = Compact(
        width=width,
        depth=options.depth,
        activation=options.activation,
        skip=options.skip,
        scale=scale,
        channels=channels,
    )
    if options.initialisation == "official":
        kaiming(network)
    else:
        last = convolution(network, f"convs.{options.depth + 1}")
        start_as_enlarged(network, first=convolution(network, "convs.0"), last=last)
    return network


def receptive_field(options: CompactOptions, scale: int) -> int:
    """1 for each 3x3 convolution."""
    return options.depth + 2


ALTERNATING = re.compile(r"body\.([0-9]{1,9})\.(weight|bias)")
"""SRVGGNetCompact: convolutions at even places, what follows them at odd ones."""
PAIRED = re.compile(r"backbone\.([0-9]{1,9})\.(?:(conv3x3|act)\.)?(weight|bias)")
"""Plain ECBSR: each place holds a convolution and its activation, or a convolution alone."""


def rename(name: str) -> str:
    """Our name of a parameter of SRVGGNetCompact or of plain ECBSR.

    Raises:
        KeyError: if neither has it.
    """
    if match := ALTERNATING.fullmatch(name):
        number, odd = divmod(int(match[1]), 2)
        return f"{'activations' if odd else 'convs'}.{number}.{match[2]}"
    if match := PAIRED.fullmatch(name):
        return f"{'activations' if match[2] == 'act' else 'convs'}.{match[1]}.{match[3]}"
    raise KeyError(name)


def original(name: str) -> str:
    """The name that SRVGGNetCompact has for one of our parameters."""
    kind, number, parameter = name.split(".")
    return f"body.{2 * int(number) + (kind == 'activations')}.{parameter}"


def recognise(shapes: Mapping[str, Shape]) -> Recognised | None:
    """What a checkpoint of SRVGGNetCompact or plain ECBSR holds; without slopes it is taken to have ReLUs."""
    known = published.known(shapes, rename)
    width = published.size(known, 0, "convs.0.weight", "activations.0.weight")
    channels = published.size(known, 1, "convs.0.weight")
    if width is None or channels is None:
        return None
    convolutions = published.count(known, "convs.*")
    outputs = published.size(known, 0, f"convs.{convolutions - 1}.weight") or 0
    scale = math.isqrt(outputs // channels)
    return Recognised(
        width=width,
        channels=channels,
        options={
            "depth": max(convolutions - 2, 0),
            "activation": "prelu" if any(name.startswith("activations.") for name in known) else "relu",
        },
        scale=scale if scale and channels * scale**2 == outputs else None,
    )


COMPACT = BackboneFamily(
    name="compact",
    summary="a chain of 3x3 convolutions at low resolution over the enlarged image, as SRVGGNetCompact and ECBSR",
    options=CompactOptions,
    build=build,
    widths=WIDTHS,
    widths_for=published_or_spaced("compact", {len(WIDTHS): WIDTHS}, multiple=16),
    scales=frozenset({1, 2, 3, 4}),
    receptive_field=receptive_field,
    context=6,  # all that it sees with its usual depth
    width_scales="features of every hidden layer; the depth stays",
    official=OfficialLayout(rename=rename, original=original, recognise=recognise),
    narrow=narrow,
    chains=chains,
)
