"""SRResNet (Ledig et al., CVPR 2017) without normalisation, in the shape that ClassSR routes: the features scale.

torch is imported where networks are made, so that reading the descriptor stays cheap.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily, OfficialLayout, Recognised, Shape, Step
from restoreroute.spec.options import Options
from restoreroute_backbones import published
from restoreroute_backbones.widths import published_or_spaced

if TYPE_CHECKING:
    from torch import nn

SLOPE = 0.1
RESIDUAL_GAIN = 0.1
PUBLISHED_WIDTHS = (36, 52, 64)
"""Features of ClassSR-SRResNet (paper table 2)."""


class SrresnetOptions(Options):
    """What can be set for SRResNet."""

    blocks: int = Field(16, ge=1, description="residual blocks; the paper also routes 12/14/16 and 8/12/16")
    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts as the bilinear interpolation that the network adds its detail to, and "
        "learns within minutes; 'official' is the authors' (Kaiming scaled by 0.1), which needs very long training",
    )


def build(options: SrresnetOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network: residual blocks at low resolution, pixel shuffles up, added to a bilinear interpolation."""
    from torch import nn

    from restoreroute_backbones.initialise import kaiming, see_contrast
    from restoreroute_backbones.layers import Residual, Sum, convolution, steps_up

    def conv(inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, padding=1)

    detail: OrderedDict[str, nn.Module] = OrderedDict(
        head=conv(channels, width), head_slope=nn.LeakyReLU(SLOPE, inplace=True)
    )
    for number in range(options.blocks):
        detail[f"block_{number}"] = Residual(
            OrderedDict(first=conv(width, width), relu=nn.ReLU(inplace=True), second=conv(width, width))
        )
    for number, step in enumerate(steps_up(scale)):
        detail[f"up_{number}"] = conv(width, width * step**2)
        detail[f"shuffle_{number}"] = nn.PixelShuffle(step)  # one step larger from here
        detail[f"up_slope_{number}"] = nn.LeakyReLU(SLOPE, inplace=True)
    detail["fine"] = conv(width, width)
    detail["fine_slope"] = nn.LeakyReLU(SLOPE, inplace=True)
    detail["tail"] = conv(width, channels)
    base = nn.Upsample(scale_factor=scale, mode="bilinear", align_corners=False)
    network = Sum({"detail": nn.Sequential(detail), "base": base})
    if options.initialisation == "official":
        kaiming(network, gain=0.1)
        return network
    kaiming(network)
    for number in range(options.blocks):
        convolution(network, f"detail.block_{number}.second").weight.data *= RESIDUAL_GAIN
    see_contrast(convolution(network, "detail.head"))
    nn.init.zeros_(convolution(network, "detail.tail").weight)
    return network


def receptive_field(options: SrresnetOptions, scale: int) -> int:
    """1 for the head, 2 for each block, and 2 for what follows at higher resolutions."""
    return 1 + 2 * options.blocks + 2


OFFICIAL = published.LayerNames(
    {
        "conv_first": "detail.head",
        "recon_trunk.*.conv1": "detail.block_*.first",
        "recon_trunk.*.conv2": "detail.block_*.second",
        "upconv1": "detail.up_0",
        "upconv2": "detail.up_1",
        "HRconv": "detail.fine",
        "conv_last": "detail.tail",
        # as later versions of BasicSR call them
        "body.*.conv1": "detail.block_*.first",
        "body.*.conv2": "detail.block_*.second",
        "conv_hr": "detail.fine",
    }
)


def recognise(shapes: Mapping[str, Shape]) -> Recognised | None:
    """What a checkpoint of the authors, or of BasicSR's MSRResNet, holds."""
    known = OFFICIAL.known(shapes)
    width = published.size(known, 0, "detail.head.weight", "detail.fine.weight")
    channels = published.size(known, 0, "detail.tail.weight")
    if width is None or channels is None:
        return None
    return Recognised(
        width=width,
        channels=channels,
        options={"blocks": published.count(known, "detail.block_*.first")},
        scale=published.scale(known, width, inside="detail."),
    )


def narrow(wide: nn.Module, network: nn.Module) -> None:
    """Keep the channels that matter most; see :func:`restoreroute_backbones.narrowing.narrow`."""
    from restoreroute_backbones.layers import Residual, convolution
    from restoreroute_backbones.narrowing import IMAGE, Wire
    from restoreroute_backbones.narrowing import narrow as narrow_by_wires

    wires = [Wire(layer="detail.head", reads=IMAGE, writes="trunk")]
    last = "trunk"
    for name, layer in network.get_submodule("detail").named_children():
        if isinstance(layer, Residual):
            wires.append(Wire(layer=f"detail.{name}.first", reads="trunk", writes=name))
            wires.append(Wire(layer=f"detail.{name}.second", reads=name, writes="trunk"))
        elif name in {"up_0", "up_1"}:
            conv = convolution(network, f"detail.{name}")
            spread = conv.out_channels // conv.in_channels
            wires.append(Wire(layer=f"detail.{name}", reads=last, writes=name, spread=spread))
            last = name
    wires.append(Wire(layer="detail.fine", reads=last, writes="fine"))
    wires.append(Wire(layer="detail.tail", reads="fine", writes=IMAGE))
    narrow_by_wires(wide, network, wires)


def chains(network: nn.Module) -> list[list[Step]]:
    """The detail layer by layer, the blocks as they are, and what it is added to."""
    from restoreroute_backbones.layers import Residual
    from restoreroute_backbones.steps import in_steps

    detail = list(network.get_submodule("detail").named_children())
    reaches = {name: 2 for name, layer in detail if isinstance(layer, Residual)}
    steps = in_steps(detail, reaches=reaches)
    return [steps, [Step(run=network.get_submodule("base"), reach=1, scale=prod(step.scale for step in steps))]]


SRRESNET = BackboneFamily(
    name="srresnet",
    summary="SRResNet without normalisation: residual blocks at low resolution over a bilinear interpolation",
    options=SrresnetOptions,
    build=build,
    widths=PUBLISHED_WIDTHS,
    widths_for=published_or_spaced("SRResNet", {3: PUBLISHED_WIDTHS}),
    scales=frozenset({2, 3, 4}),
    receptive_field=receptive_field,
    context=2,  # measured: 0.002 dB from the whole image; 1 costs 0.01 dB
    width_scales="features of every hidden layer; the blocks stay",
    official=OfficialLayout(
        rename=OFFICIAL.rename,
        original=OFFICIAL.original,
        recognise=recognise,
    ),
    narrow=narrow,
    chains=chains,
)
