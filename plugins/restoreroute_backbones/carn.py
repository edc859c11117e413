"""CARN-M (Ahn et al., ECCV 2018) in the shape that ClassSR routes: the features scale, four groups stay.

torch is imported where networks are made, so that reading the descriptor stays cheap.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute.spec.backbone import BackboneFamily, OfficialLayout, Recognised, Shape, Step
from restoreroute.spec.options import Options
from restoreroute_backbones import published
from restoreroute_backbones.colours import RGB_MEAN
from restoreroute_backbones.widths import published_or_spaced

if TYPE_CHECKING:
    from torch import nn

GROUPS = 4
BLOCKS = 3
TRUNK_REACH = 2 * BLOCKS**2
"""Two convolutions in each residual block, which runs three times in each of three blocks."""
PUBLISHED_WIDTHS = (36, 52, 64)
"""Features of ClassSR-CARN (paper table 2)."""


class CarnOptions(Options):
    """What can be set for CARN."""

    normalisation: Literal["fixed", "batch"] = Field(
        "fixed",
        description="the normalisation after each fusion: 'fixed' learns a scale and a shift over statistics that "
        "stay; 'batch' is the authors', which also takes the statistics of each batch; in inference the two are one",
    )
    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts as bilinear interpolation (with 'fixed' normalisation); 'official' is "
        "the authors' (Kaiming scaled by 0.1)",
    )


def build(options: CarnOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network: three cascading blocks, each of one residual block used three times, then pixel shuffles up.

    Raises:
        ValueError: for a width that four groups do not divide, or whose first group can't carry the colours.
    """
    from torch import nn

    from restoreroute_backbones.layers import Cascade, FixedNorm, MeanShift, Residual, steps_up

    if width % GROUPS or width // GROUPS < channels:
        raise ValueError(
            f"CARN needs a width that is a multiple of {GROUPS} and at least {GROUPS * channels}, not {width}"
        )
    mean = RGB_MEAN if channels == len(RGB_MEAN) else (0.0,) * channels
    norm = FixedNorm if options.normalisation == "fixed" else nn.BatchNorm2d

    def grouped(outputs: int) -> nn.Conv2d:
        return nn.Conv2d(width, outputs, 3, padding=1, groups=GROUPS)

    def fusion(number: int) -> nn.Module:
        conv = nn.Conv2d((number + 2) * width, width, 1, bias=False)
        return nn.Sequential(OrderedDict(conv=conv, norm=norm(width), relu=nn.ReLU(inplace=True)))

    def cascade(stages: list[nn.Module]) -> nn.Module:
        return Cascade(stages, [fusion(number) for number in range(BLOCKS)])

    def block() -> nn.Module:
        body = Residual(
            OrderedDict(
                first=grouped(width),
                first_relu=nn.ReLU(inplace=True),
                second=grouped(width),
                second_relu=nn.ReLU(inplace=True),
                point=nn.Conv2d(width, width, 1),
            )
        )
        return cascade([nn.Sequential(OrderedDict(residual=body, relu=nn.ReLU(inplace=True)))])

    layers: OrderedDict[str, nn.Module] = OrderedDict(
        centre=MeanShift([-value for value in mean]),
        entry=nn.Conv2d(channels, width, 3, padding=1),
        trunk=cascade([block() for _ in range(BLOCKS)]),
    )
    for number, step in enumerate(steps_up(scale)):
        layers[f"up_{number}"] = grouped(width * step**2)
        layers[f"up_relu_{number}"] = nn.ReLU(inplace=True)
        layers[f"shuffle_{number}"] = nn.PixelShuffle(step)  # one step larger from here
    layers["exit"] = nn.Conv2d(width, channels, 3, padding=1)
    layers["restore"] = MeanShift(mean)
    network = nn.Sequential(layers)
    _initialise(network, options, scale=scale, mean=mean)
    return network


def _initialise(network: nn.Sequential, options: CarnOptions, *, scale: int, mean: tuple[float, ...]) -> None:
    """Kaiming times 0.1; an interpolating start carries the colours, which the mean keeps from being negative."""
    import torch

    from restoreroute_backbones.initialise import add_nothing, carry, carry_up, kaiming, read_carried
    from restoreroute_backbones.layers import Cascade, convolution, steps_up

    if options.initialisation == "official":
        kaiming(network, gain=0.1)
        return
    kaiming(network, gain=0.5)
    channels = len(mean)

    def conv(name: str) -> nn.Conv2d:
        return convolution(network, name)

    carry(conv("entry"), channels)
    for name, layer in network.named_modules():
        if isinstance(layer, Cascade):
            for number in range(BLOCKS):
                carry(conv(f"{name}.fusions.{number}.conv"), channels, copy=number + 1)
        if name.endswith("residual.point"):
            add_nothing(conv(name), channels)
    for number, step in enumerate(steps_up(scale)):
        carry_up(conv(f"up_{number}"), channels, step=step)
    read_carried(conv("exit"), channels)
    with torch.no_grad():
        for name, sign in (("entry", 1), ("exit", -1)):
            bias = conv(name).bias
            if bias is not None:
                bias[:channels] = sign * torch.tensor(mean)


def receptive_field(options: CarnOptions, scale: int) -> int:
    """1 for the entry, what the trunk sees, and 2 for what follows at higher resolutions."""
    return 1 + TRUNK_REACH + 2


BODY_LAYERS = {0: "first", 2: "second", 4: "point"}
FUSION_LAYERS = {0: "conv", 1: "norm"}
CASCADES = {"": "trunk", **{f"b{block + 1}.": f"trunk.stages.{block}" for block in range(BLOCKS)}}
OFFICIAL = published.LayerNames(
    {
        "sub_mean": "centre",
        "entry": "entry",
        **{
            f"b{block + 1}.b1.body.{position}": f"trunk.stages.{block}.stages.0.residual.{layer}"
            for block in range(BLOCKS)
            for position, layer in BODY_LAYERS.items()
        },
        **{
            f"{theirs}c{number + 1}.{position}": f"{ours}.fusions.{number}.{layer}"
            for theirs, ours in CASCADES.items()
            for number in range(BLOCKS)
            for position, layer in FUSION_LAYERS.items()
        },
        "upsample.up.body.0": "up_0",
        "upsample.up.body.3": "up_1",
        "exit": "exit",
        "add_mean": "restore",
    }
)


def recognise(shapes: Mapping[str, Shape]) -> Recognised | None:
    """What a checkpoint of the authors holds; in inference its normalisation is one with our 'fixed'."""
    known = OFFICIAL.known(shapes)
    width = published.size(known, 0, "entry.weight", "trunk.fusions.0.conv.weight")
    channels = published.size(known, 0, "exit.weight", "centre.weight")
    if width is None or channels is None:
        return None
    return Recognised(width=width, channels=channels, scale=published.scale(known, width))


def narrow(wide: nn.Module, network: nn.Module) -> None:
    """Keep the channels that matter most; see :func:`restoreroute_backbones.narrowing.narrow`."""
    from torch import nn

    from restoreroute_backbones.layers import Cascade
    from restoreroute_backbones.narrowing import IMAGE, Wire
    from restoreroute_backbones.narrowing import narrow as narrow_by_wires

    wires = [Wire(layer="entry", reads=IMAGE, writes="trunk")]
    norms: dict[str, str] = {}
    last = "trunk"
    for name, layer in network.named_modules():
        if isinstance(layer, Cascade):
            for number in range(BLOCKS):
                fusion = f"{name}.fusions.{number}"
                wires.append(Wire(layer=f"{fusion}.conv", reads="trunk", writes="trunk", copies=number + 2))
                norms[f"{fusion}.norm"] = "trunk"
        elif name.endswith("residual"):
            for part, reads, writes in (("first", "trunk", "a"), ("second", "a", "b"), ("point", "b", "trunk")):
                reads, writes = (space if space == "trunk" else f"{name} {space}" for space in (reads, writes))
                groups = 1 if part == "point" else GROUPS
                wires.append(Wire(layer=f"{name}.{part}", reads=reads, writes=writes, groups=groups))
        elif name in {"up_0", "up_1"} and isinstance(layer, nn.Conv2d):
            spread = layer.out_channels // layer.in_channels
            wires.append(Wire(layer=name, reads=last, writes=name, spread=spread, groups=GROUPS))
            last = name
    wires.append(Wire(layer="exit", reads=last, writes=IMAGE))
    narrow_by_wires(wide, network, wires, norms=norms)


def chains(network: nn.Module) -> list[list[Step]]:
    """Layer by layer, but for the cascades between which everything is joined to everything."""
    from restoreroute_backbones.steps import in_steps

    return [in_steps(network.named_children(), reaches={"trunk": TRUNK_REACH})]


CARN = BackboneFamily(
    name="carn",
    summary="CARN-M: cascading residual blocks of grouped convolutions that share their weights",
    options=CarnOptions,
    build=build,
    widths=PUBLISHED_WIDTHS,
    widths_for=published_or_spaced("CARN", {3: PUBLISHED_WIDTHS}, multiple=GROUPS),
    scales=frozenset({2, 3, 4}),
    receptive_field=receptive_field,
    context=2,  # measured: 0.001 dB from the whole image, as 4; 1 costs 0.04 dB
    quick_widths=64,  # 16 in each of the four groups
    width_scales="features of every hidden layer; the four groups and the blocks stay",
    start_options=frozenset({"initialisation", "normalisation"}),
    official=OfficialLayout(
        rename=OFFICIAL.rename,
        original=OFFICIAL.original,
        recognise=recognise,
    ),
    narrow=narrow,
    chains=chains,
)
