"""FSRCNN (Dong et al., ECCV 2016) in the shape that ClassSR routes: the width scales d, while s = 12 and m = 4 stay.

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
from restoreroute_backbones.widths import published_or_spaced

if TYPE_CHECKING:
    from torch import Tensor, nn

SHRUNK = 12
MAPPINGS = 4
DECONV_KERNEL = 9

PUBLISHED_WIDTHS = {2: (16, 56), 3: (16, 36, 56), 4: (16, 29, 43, 56), 5: (16, 26, 36, 46, 56)}
"""Widths of ClassSR for each number of branches (paper table 3)."""


class FsrcnnOptions(Options):
    """What can be set for FSRCNN."""

    initialisation: Literal["interpolating", "official"] = Field(
        "interpolating",
        description="'interpolating' starts as bilinear interpolation and learns within minutes; 'official' is the "
        "authors' (Kaiming scaled by 0.1), which needs very long training",
    )


def build(options: FsrcnnOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """The network: 5x5 feature conv, 1x1 shrink, four 3x3 mappings, 1x1 expand, 9x9 deconvolution.

    A PReLU with a single slope follows the feature conv, the shrink, the last mapping and the expand.

    Raises:
        ValueError: for a width below the number of image channels.
    """
    from torch import nn

    from restoreroute_backbones.deconvolution import Deconvolution
    from restoreroute_backbones.slope import SharedSlope

    if width < channels:
        raise ValueError(f"FSRCNN needs a width of at least {channels}, not {width}")
    padding, output_padding = _deconv_padding(scale)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["feature"] = nn.Conv2d(channels, width, 5, padding=2)
    layers["feature_slope"] = SharedSlope()
    layers["shrink"] = nn.Conv2d(width, SHRUNK, 1)
    layers["shrink_slope"] = SharedSlope()
    for index in range(MAPPINGS):
        layers[f"mapping_{index}"] = nn.Conv2d(SHRUNK, SHRUNK, 3, padding=1)
    layers["mapping_slope"] = SharedSlope()
    layers["expand"] = nn.Conv2d(SHRUNK, width, 1)
    layers["expand_slope"] = SharedSlope()
    layers["deconv"] = Deconvolution(
        width, channels, DECONV_KERNEL, stride=scale, padding=padding, output_padding=output_padding
    )
    network = nn.Sequential(layers)
    if options.initialisation == "official":
        _initialise_official(network)
    else:
        _initialise_interpolating(network, scale=scale, channels=channels)
    return network


def _deconv_padding(scale: int) -> tuple[int, int]:
    """Padding and output padding that make the output exactly ``scale`` times the input."""
    output_padding = (scale - DECONV_KERNEL) % 2
    return (DECONV_KERNEL - scale + output_padding) // 2, output_padding


def _initialise_official(network: nn.Sequential) -> None:
    """Kaiming normal (fan in) times 0.1, biases zero, as in the authors' code."""
    from torch import nn

    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.data *= 0.1
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _initialise_interpolating(network: nn.Sequential, *, scale: int, channels: int) -> None:
    """Carry the image unchanged through the first channels and let the deconvolution interpolate it bilinearly.

    The other channels start from Kaiming normal weights and reach the output through N(0, 0.001).  Colours are
    not negative, so the PReLUs leave the carried channels as they are.
    """
    import torch
    from torch import nn

    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            centre = layer.kernel_size[0] // 2
            with torch.no_grad():
                layer.weight[:channels] = 0
                for channel in range(channels):
                    layer.weight[channel, channel, centre, centre] = 1
        elif isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.001)
            with torch.no_grad():
                layer.weight[:channels] = 0
                for channel in range(channels):
                    layer.weight[channel, channel] = _bilinear_kernel(scale)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _bilinear_kernel(scale: int) -> Tensor:
    """The 9x9 transposed-convolution kernel of bilinear interpolation with pixel centres at halves.

    Output pixel o takes input i through tap k = o - scale*i + padding, and lies (k - centre)/scale input pixels
    away from it, where centre = (scale - 1)/2 + padding.
    """
    import torch

    padding, _ = _deconv_padding(scale)
    distance = (torch.arange(DECONV_KERNEL) - (scale - 1) / 2 - padding).abs() / scale
    taps = (1 - distance).clamp(min=0)
    return torch.outer(taps, taps)


def receptive_field(options: FsrcnnOptions, scale: int) -> int:
    """2 for the 5x5 conv, 1 for each 3x3 mapping, and the reach of the 9x9 deconvolution in degraded pixels."""
    padding, _ = _deconv_padding(scale)
    reach = max((scale - 1 + padding) // scale, (DECONV_KERNEL - 1 - padding) // scale)
    return 2 + MAPPINGS + reach


OFFICIAL = published.LayerNames(
    {
        "head_conv.0": "feature",
        "head_conv.1": "feature_slope",
        "body_conv.0.0": "shrink",
        "body_conv.0.1": "shrink_slope",
        **{f"body_conv.{index + 1}": f"mapping_{index}" for index in range(MAPPINGS)},
        "body_conv.5": "mapping_slope",
        "body_conv.6.0": "expand",
        "body_conv.6.1": "expand_slope",
        "tail_conv": "deconv",
    }
)


def recognise(shapes: Mapping[str, Shape]) -> Recognised | None:
    """What a checkpoint of the authors holds; its deconvolution has the same kernel at every scale."""
    known = OFFICIAL.known(shapes)
    width = published.size(known, 0, "feature.weight", "expand.weight", "deconv.weight")
    channels = published.size(known, 1, "feature.weight", "deconv.weight")
    return None if width is None or channels is None else Recognised(width=width, channels=channels)


def narrow(wide: nn.Module, network: nn.Module) -> None:
    """Keep the channels that matter most: d shrinks at the feature conv and at the deconvolution, s and m stay."""
    from restoreroute_backbones.narrowing import IMAGE, Wire
    from restoreroute_backbones.narrowing import narrow as narrow_by_wires

    mappings = [Wire(layer=f"mapping_{index}", reads="shrunk", writes="shrunk") for index in range(MAPPINGS)]
    narrow_by_wires(
        wide,
        network,
        [
            Wire(layer="feature", reads=IMAGE, writes="features"),
            Wire(layer="shrink", reads="features", writes="shrunk"),
            *mappings,
            Wire(layer="expand", reads="shrunk", writes="expanded"),
            Wire(layer="deconv", reads="expanded", writes=IMAGE, transposed=True),
        ],
    )


def chains(network: nn.Module) -> list[list[Step]]:
    """Layer by layer."""
    from restoreroute_backbones.steps import in_steps

    return [in_steps(network.named_children())]


FSRCNN = BackboneFamily(
    name="fsrcnn",
    summary="FSRCNN: the smallest family, all work at low resolution, one deconvolution at the end",
    options=FsrcnnOptions,
    build=build,
    widths=PUBLISHED_WIDTHS[3],
    widths_for=published_or_spaced("FSRCNN", PUBLISHED_WIDTHS),
    scales=frozenset({2, 3, 4}),
    receptive_field=receptive_field,
    context=8,  # all that it sees at scale 4
    width_scales="features of the first convolution and of the deconvolution; the 12 between them stay",
    official=OfficialLayout(
        rename=OFFICIAL.rename,
        original=OFFICIAL.original,
        recognise=recognise,
    ),
    narrow=narrow,
    chains=chains,
)
