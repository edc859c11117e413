"""FMEN (Du et al., CVPR workshops 2022) as it is in inference, over a bilinear interpolation: the features scale.

The design's attentions weigh features by local convolutions, so that parts of an image are restored exactly as the
whole is.  Its first attention has 12 features and the others 16; here all have 16, whatever the width.

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

WIDTHS = (32, 48, 64)


class FmenOptions(Options):
    """What can be set for FMEN."""

    blocks: int = Field(4, ge=1, description="pairs of convolutions with an attention, after the first attention")
    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts close to the bilinear interpolation that the detail is added to; "
        "'official' draws all layers (Kaiming)",
    )


def build(options: FmenOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network; see :class:`restoreroute_backbones.fmen_network.Fmen`."""
    from restoreroute_backbones.enlarging import start_as_enlarged
    from restoreroute_backbones.fmen_network import Fmen
    from restoreroute_backbones.initialise import kaiming

    network = Fmen(width=width, blocks=options.blocks, scale=scale, channels=channels)
    if options.initialisation == "official":
        kaiming(network)
    else:
        start_as_enlarged(network, first=network.head, last=network.tail)
    return network


def receptive_field(options: FmenOptions, scale: int) -> int:
    """1 for the first convolution, 7 and then 6 for each block, 1 for the fusion, and 1 for the last convolution."""
    return 1 + 7 + 6 * options.blocks + 1 + 1


FMEN = BackboneFamily(
    name="fmen",
    summary="FMEN: pairs of convolutions and attentions of local convolutions over a bilinear interpolation",
    options=FmenOptions,
    build=build,
    widths=WIDTHS,
    widths_for=published_or_spaced("FMEN", {len(WIDTHS): WIDTHS}, multiple=16),
    scales=frozenset({1, 2, 3, 4}),
    receptive_field=receptive_field,
    context=16,  # measured with the published weights: the whole image's result, of 34 that it sees
    width_scales="features outside the attentions; the 16 inside each, and the blocks, stay",
    narrow=narrow,
    chains=chains,
)
