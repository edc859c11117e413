"""DnCNN (Zhang et al., TIP 2017) for colour images, without normalisation: the features scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options
from restoreroute_backbones.widths import published_or_spaced

if TYPE_CHECKING:
    from torch import nn

PUBLISHED_WIDTHS = (38, 52, 64)
"""Features of the routed DnCNN (paper table 5)."""


class DncnnOptions(Options):
    """What can be set for DnCNN."""

    layers: int = Field(17, ge=2, description="convolutions in all")
    initialisation: Literal["identity", "official"] = Field(
        "identity",
        description="'identity' starts by leaving the image as it is; 'official' draws the last layer like the others",
    )


def build(options: DncnnOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network; see :class:`restoreroute_backbones.dncnn_network.DnCNN`."""
    from restoreroute_backbones.dncnn_network import DnCNN

    network = DnCNN(channels=channels, width=width, layers=options.layers)
    network.initialise(identity=options.initialisation == "identity")
    return network


def receptive_field(options: DncnnOptions, scale: int) -> int:
    """1 for each 3x3 convolution."""
    return options.layers


DNCNN = BackboneFamily(
    name="dncnn",
    summary="DnCNN for colour images: 3x3 convolutions that predict the noise",
    options=DncnnOptions,
    build=build,
    widths=PUBLISHED_WIDTHS,
    widths_for=published_or_spaced("DnCNN", {3: PUBLISHED_WIDTHS}),
    scales=frozenset({1}),
    receptive_field=receptive_field,
)
