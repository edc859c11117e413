"""A compact network: one chain of 3x3 convolutions, as SRVGGNetCompact (Real-ESRGAN) and plain ECBSR (MM 2021) are.

torch is imported where networks are made, so that reading the descriptor stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options
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
    narrow=narrow,
    chains=chains,
)
