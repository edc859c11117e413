"""A plain residual network for little time: four blocks of four 3x3 convolutions with SiLU, no attention.

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
RESIDUAL_GAIN = 0.1


class DispOptions(Options):
    """What can be set for disp."""

    blocks: int = Field(4, ge=1, description="residual blocks of four convolutions")
    fuse: Literal[1, 3] = Field(1, description="kernel of the convolution between the blocks and the long skip")
    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts close to the bilinear interpolation that the detail is added to; "
        "'official' draws all layers (Kaiming)",
    )


def build(options: DispOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network; see :class:`restoreroute_backbones.disp_network.Disp`."""
    from restoreroute_backbones.disp_network import Disp, weaken_residuals
    from restoreroute_backbones.enlarging import start_as_enlarged
    from restoreroute_backbones.initialise import kaiming

    network = Disp(width=width, blocks=options.blocks, fuse=options.fuse, scale=scale, channels=channels)
    if options.initialisation == "official":
        kaiming(network)
    else:
        start_as_enlarged(network, first=network.head, last=network.tail)
        weaken_residuals(network, RESIDUAL_GAIN)
    return network


def receptive_field(options: DispOptions, scale: int) -> int:
    """1 for the first convolution, 4 for each block, 1 for a fusion of 3x3, and 1 for the last convolution."""
    return 1 + 4 * options.blocks + options.fuse // 2 + 1


DISP = BackboneFamily(
    name="disp",
    summary="residual blocks of plain convolutions with SiLU over a bilinear interpolation: much quality for its time",
    options=DispOptions,
    build=build,
    widths=WIDTHS,
    widths_for=published_or_spaced("disp", {len(WIDTHS): WIDTHS}, multiple=16),
    scales=frozenset({1, 2, 3, 4}),
    receptive_field=receptive_field,
    context=18,  # all that it sees
    width_scales="features of every hidden layer; the blocks stay",
    narrow=narrow,
    chains=chains,
)
