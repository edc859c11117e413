"""SRResNet (Ledig et al., CVPR 2017) without normalisation, in the shape that ClassSR routes: the features scale."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options
from restoreroute_backbones.widths import published_or_spaced

if TYPE_CHECKING:
    from torch import nn

PUBLISHED_WIDTHS = (36, 52, 64)
"""Features of ClassSR-SRResNet (paper table 2)."""


class SrresnetOptions(Options):
    """What can be set for SRResNet."""

    blocks: int = Field(16, ge=1, description="residual blocks; the paper also routes 12/14/16 and 8/12/16")
    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts as the bilinear interpolation that the network adds its detail to; "
        "'official' is the authors' (Kaiming scaled by 0.1)",
    )


def build(options: SrresnetOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network; see :class:`restoreroute_backbones.srresnet_network.SRResNet`."""
    from restoreroute_backbones.srresnet_network import SRResNet

    network = SRResNet(channels=channels, width=width, blocks=options.blocks, scale=scale)
    network.initialise(interpolating=options.initialisation == "interpolating")
    return network


def receptive_field(options: SrresnetOptions, scale: int) -> int:
    """1 for the head, 2 for each block, and 2 for what follows at higher resolutions."""
    return 1 + 2 * options.blocks + 2


OFFICIAL_LAYERS = {
    "conv_first": "head",
    "upconv1": "up.0",
    "upconv2": "up.1",
    "HRconv": "fine",
    "conv_last": "tail",
}
OFFICIAL_BLOCK = re.compile(r"recon_trunk\.(\d+)\.conv([12])")


def rename_official(name: str) -> str:
    """The name of a parameter of the authors' checkpoint in this network."""
    layer, _, parameter = name.rpartition(".")
    if block := OFFICIAL_BLOCK.fullmatch(layer):
        number, convolution = block.groups()
        return f"trunk.{number}.{'first' if convolution == '1' else 'second'}.{parameter}"
    return f"{OFFICIAL_LAYERS[layer]}.{parameter}"


SRRESNET = BackboneFamily(
    name="srresnet",
    summary="SRResNet without normalisation: residual blocks at low resolution over a bilinear interpolation",
    options=SrresnetOptions,
    build=build,
    widths=PUBLISHED_WIDTHS,
    widths_for=published_or_spaced("SRResNet", {3: PUBLISHED_WIDTHS}),
    scales=frozenset({2, 3, 4}),
    receptive_field=receptive_field,
    rename_official=rename_official,
)
