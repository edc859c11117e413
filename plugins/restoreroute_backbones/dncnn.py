"""DnCNN (Zhang et al., TIP 2017) for colour images, without normalisation: the features scale.

torch is imported where networks are made, so that reading the descriptor stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily, Step
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
        description="'identity' starts by leaving the image nearly as it is, with layers that pass features on, and "
        "learns within minutes; 'official' draws every layer (Kaiming)",
    )


def build(options: DncnnOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network: 3x3 convolutions with ReLU between them predict what to add to the image, the negative noise."""
    from collections import OrderedDict

    from torch import nn

    from restoreroute_backbones.initialise import kaiming, start_from_identity
    from restoreroute_backbones.layers import Residual

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(options.layers):
        last = number == options.layers - 1
        layers[f"conv_{number}"] = nn.Conv2d(width if number else channels, channels if last else width, 3, padding=1)
        if not last:
            layers[f"relu_{number}"] = nn.ReLU(inplace=True)
    network = Residual(layers)
    if options.initialisation == "official":
        kaiming(network)
    else:
        start_from_identity(network)
    return network


def receptive_field(options: DncnnOptions, scale: int) -> int:
    """1 for each 3x3 convolution."""
    return options.layers


def narrow(wide: nn.Module, network: nn.Module) -> None:
    """Keep the channels of every layer that matter most; see :func:`restoreroute_backbones.narrowing.narrow`."""
    from torch import nn

    from restoreroute_backbones.narrowing import IMAGE, Wire
    from restoreroute_backbones.narrowing import narrow as narrow_by_wires

    layers = sum(isinstance(layer, nn.Conv2d) for layer in network.modules())
    spaces = [IMAGE, *(f"after {number}" for number in range(layers - 1)), IMAGE]
    narrow_by_wires(
        wide,
        network,
        [Wire(layer=f"conv_{number}", reads=spaces[number], writes=spaces[number + 1]) for number in range(layers)],
    )


def chains(network: nn.Module) -> list[list[Step]]:
    """The image as it is, and layer by layer what is added to it."""
    from torch import nn

    from restoreroute_backbones.steps import in_steps

    return [[Step(run=nn.Identity(), reach=0)], in_steps(network.named_children())]


DNCNN = BackboneFamily(
    name="dncnn",
    summary="DnCNN for colour images: 3x3 convolutions that predict the noise",
    options=DncnnOptions,
    build=build,
    widths=PUBLISHED_WIDTHS,
    widths_for=published_or_spaced("DnCNN", {3: PUBLISHED_WIDTHS}),
    scales=frozenset({1}),
    receptive_field=receptive_field,
    context=6,  # measured: 0.01 dB from the whole image, 4 costs 0.03 dB
    width_scales="features of every hidden layer; the layers stay",
    narrow=narrow,
    chains=chains,
)
