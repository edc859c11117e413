"""RCAN (Zhang et al., ECCV 2018) in the shape that ClassSR routes: the features scale.

torch is imported where networks are made, so that reading the descriptor stays cheap.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily, OfficialLayout, Recognised, Shape
from restoreroute.spec.options import Options
from restoreroute_backbones import published
from restoreroute_backbones.colours import RGB_MEAN
from restoreroute_backbones.widths import published_or_spaced

if TYPE_CHECKING:
    from torch import nn

REDUCTION = 16
PUBLISHED_WIDTHS = (36, 50, 64)
"""Features of ClassSR-RCAN (paper table 2)."""


class RcanOptions(Options):
    """What can be set for RCAN."""

    groups: int = Field(10, ge=1, description="residual groups")
    blocks: int = Field(20, ge=1, description="residual channel attention blocks in each group")
    value_range: Literal[1, 255] = Field(
        1, description="largest value that the layers see; the authors' checkpoints were trained on 0..255"
    )
    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts as bilinear interpolation; 'official' draws all layers (Kaiming)",
    )


def build(options: RcanOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network: residual groups of channel attention blocks at low resolution, then pixel shuffles up.

    Raises:
        ValueError: for a width too small for the attention's bottleneck.
    """
    from torch import nn

    from restoreroute_backbones.layers import ChannelAttention, Gain, MeanShift, Residual, steps_up

    if width < REDUCTION:
        raise ValueError(f"RCAN needs a width of at least {REDUCTION}, not {width}")

    def conv(inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, padding=1)

    def block() -> nn.Module:
        attention = ChannelAttention(
            OrderedDict(
                squeeze=nn.Conv2d(width, width // REDUCTION, 1),
                relu=nn.ReLU(inplace=True),
                excite=nn.Conv2d(width // REDUCTION, width, 1),
                gate=nn.Sigmoid(),
            )
        )
        return Residual(
            OrderedDict(
                first=conv(width, width), relu=nn.ReLU(inplace=True), second=conv(width, width), attention=attention
            )
        )

    def group() -> nn.Module:
        blocks = {f"block_{number}": block() for number in range(options.blocks)}
        return Residual(OrderedDict(**blocks, tail=conv(width, width)))

    largest = float(options.value_range)
    mean = tuple(largest * value for value in (RGB_MEAN if channels == len(RGB_MEAN) else (0.0,) * channels))
    groups = {f"group_{number}": group() for number in range(options.groups)}
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        to_range=Gain(largest),
        centre=MeanShift([-value for value in mean]),
        head=conv(channels, width),
        trunk=Residual(OrderedDict(**groups, tail=conv(width, width))),
    )
    for number, step in enumerate(steps_up(scale)):
        layers[f"up_{number}"] = conv(width, width * step**2)
        layers[f"shuffle_{number}"] = nn.PixelShuffle(step)  # one step larger from here
    layers["tail"] = conv(width, channels)
    layers["restore"] = MeanShift(mean)
    layers["from_range"] = Gain(1 / largest)
    network = nn.Sequential(layers)
    _initialise(network, options, scale=scale, channels=channels)
    return network


def _initialise(network: nn.Sequential, options: RcanOptions, *, scale: int, channels: int) -> None:
    """Kaiming; an interpolating start carries the colours past all residual paths."""
    from torch import nn

    from restoreroute_backbones.initialise import add_nothing, carry, carry_up, kaiming, read_carried
    from restoreroute_backbones.layers import convolution, steps_up

    if options.initialisation == "official":
        kaiming(network)
        return
    kaiming(network, gain=0.5)
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            if name == "head":
                carry(layer, channels)
            elif name.endswith((".second", ".tail")):
                add_nothing(layer, channels)
            elif name == "tail":
                read_carried(layer, channels)
    for number, step in enumerate(steps_up(scale)):
        carry_up(convolution(network, f"up_{number}"), channels, step=step)


def receptive_field(options: RcanOptions, scale: int) -> int:
    """Of the convolutions alone; channel attention sees the whole input."""
    return 1 + options.groups * (2 * options.blocks + 1) + 1 + 2


OFFICIAL = published.LayerNames(
    {
        "sub_mean": "centre",
        "head.0": "head",
        "body.*.body.*.body.0": "trunk.group_*.block_*.first",
        "body.*.body.*.body.2": "trunk.group_*.block_*.second",
        "body.*.body.*.body.3.conv_du.0": "trunk.group_*.block_*.attention.squeeze",
        "body.*.body.*.body.3.conv_du.2": "trunk.group_*.block_*.attention.excite",
        "body.*.body.*": "trunk.group_*.tail",
        "body.*": "trunk.tail",
        "tail.0.0": "up_0",
        "tail.0.2": "up_1",
        "tail.1": "tail",
        "add_mean": "restore",
        # as later versions of BasicSR call them
        "conv_first": "head",
        "body.*.residual_group.*.rcab.0": "trunk.group_*.block_*.first",
        "body.*.residual_group.*.rcab.2": "trunk.group_*.block_*.second",
        "body.*.residual_group.*.rcab.3.attention.1": "trunk.group_*.block_*.attention.squeeze",
        "body.*.residual_group.*.rcab.3.attention.3": "trunk.group_*.block_*.attention.excite",
        "body.*.conv": "trunk.group_*.tail",
        "conv_after_body": "trunk.tail",
        "upsample.0": "up_0",
        "upsample.2": "up_1",
        "conv_last": "tail",
    }
)
CONSTANTS = frozenset(f"{layer}.{parameter}" for layer in ("centre", "restore") for parameter in ("weight", "bias"))
"""The mean of colours, which BasicSR's checkpoints leave out."""


def recognise(shapes: Mapping[str, Shape]) -> Recognised | None:
    """What a checkpoint of the authors, or of BasicSR, holds; both were trained on 0..255."""
    known = OFFICIAL.known(shapes)
    width = published.size(known, 0, "head.weight", "trunk.tail.weight")
    channels = published.size(known, 0, "tail.weight")
    if width is None or channels is None:
        return None
    return Recognised(
        width=width,
        channels=channels,
        options={
            "groups": published.count(known, "trunk.group_*.tail"),
            "blocks": published.count(known, "trunk.group_*.block_*.first"),
            "value_range": 255,
        },
        scale=published.scale(known, width),
    )


def narrow(wide: nn.Module, network: nn.Module) -> None:
    """Keep the channels that matter most; see :func:`restoreroute_backbones.narrowing.narrow`."""
    from torch import nn

    from restoreroute_backbones.layers import MeanShift
    from restoreroute_backbones.narrowing import IMAGE, Wire
    from restoreroute_backbones.narrowing import narrow as narrow_by_wires

    wires = []
    bottlenecks = set()
    last = "trunk"
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Conv2d) or isinstance(layer, MeanShift):
            continue
        block, _, part = name.rpartition(".")
        if name == "head":
            wires.append(Wire(layer=name, reads=IMAGE, writes="trunk"))
        elif name == "tail":
            wires.append(Wire(layer=name, reads=last, writes=IMAGE))
        elif name in {"up_0", "up_1"}:
            wires.append(Wire(layer=name, reads=last, writes=name, spread=layer.out_channels // layer.in_channels))
            last = name
        else:
            reads, writes = ("trunk" if space == "trunk" else f"{block} {space}" for space in SPACES[part])
            wires.append(Wire(layer=name, reads=reads, writes=writes))
            if part == "squeeze":
                bottlenecks.add(writes)
    narrow_by_wires(wide, network, wires, bottlenecks=bottlenecks)


SPACES = {
    "first": ("trunk", "inside"),
    "second": ("inside", "trunk"),
    "squeeze": ("trunk", "bottleneck"),
    "excite": ("bottleneck", "trunk"),
    "tail": ("trunk", "trunk"),
}
"""What each layer of a block reads and writes."""

RCAN = BackboneFamily(
    name="rcan",
    summary="RCAN: deep residual groups with channel attention",
    options=RcanOptions,
    build=build,
    widths=PUBLISHED_WIDTHS,
    widths_for=published_or_spaced("RCAN", {3: PUBLISHED_WIDTHS}),
    scales=frozenset({2, 3, 4}),
    receptive_field=receptive_field,
    context=2,  # measured: 0.003 dB from the whole image, in windows of any size; 1 costs 0.02 dB
    width_scales="features of every hidden layer, and a sixteenth of them in each attention; groups and blocks stay",
    local=False,
    official=OfficialLayout(
        rename=OFFICIAL.rename,
        original=OFFICIAL.original,
        recognise=recognise,
        constants=CONSTANTS,
    ),
    narrow=narrow,
)
