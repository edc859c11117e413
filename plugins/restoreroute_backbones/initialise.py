"""How networks start: Kaiming weights, and channels that carry the image through, so that training starts well."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def kaiming(network: nn.Module, *, gain: float = 1.0) -> None:
    """Kaiming normal (fan in) times ``gain`` for every learnt convolution, biases zero."""
    from restoreroute_backbones.layers import MeanShift

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and not isinstance(layer, MeanShift):
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.data *= gain
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


@torch.no_grad()
def carry(layer: nn.Conv2d, channels: int, *, copy: int = 0) -> None:
    """Pass the first ``channels`` input channels through unchanged; other inputs of those outputs count nothing.

    Args:
        copy: where the input is a concatenation of equal parts, the part that is passed on.
    """
    centre = layer.kernel_size[0] // 2
    layer.weight[:channels] = 0
    part = copy * layer.out_channels
    for channel in range(channels):
        layer.weight[channel, part + channel, centre, centre] = 1


@torch.no_grad()
def add_nothing(layer: nn.Conv2d, channels: int) -> None:
    """Give zeros in the first ``channels`` outputs: at the end of a residual path, what it is added to stays."""
    layer.weight[:channels] = 0


@torch.no_grad()
def carry_up(layer: nn.Conv2d, channels: int, *, step: int) -> None:
    """Interpolate the first ``channels`` inputs bilinearly; a pixel shuffle by ``step`` (2 or 3) has to follow.

    The taps of a bilinear interpolation with pixel centres at halves fit a 3x3 kernel.
    """
    layer.weight[: channels * step**2] = 0
    taps = bilinear_taps(step)  # (phase, tap)
    for channel in range(channels):
        for row in range(step):
            for column in range(step):
                kernel = torch.outer(taps[row], taps[column])
                layer.weight[channel * step**2 + row * step + column, channel] = kernel


def bilinear_taps(step: int) -> Tensor:
    """Weights of the pixel before, at and after for each of the ``step`` output phases, (step, 3)."""
    offset = (torch.arange(step) + 0.5) / step - 0.5
    return (1 - (offset[:, None] - torch.arange(-1, 2)).abs()).clamp(min=0)


@torch.no_grad()
def read_carried(layer: nn.Conv2d, channels: int, *, noise: float = 0.001) -> None:
    """The last layer: the carried channels, and a trace of N(0, noise) of all others."""
    nn.init.normal_(layer.weight, std=noise)
    layer.weight[:, :channels] = 0
    centre = layer.kernel_size[0] // 2
    for channel in range(channels):
        layer.weight[channel, channel, centre, centre] = 1


def start_from_identity(network: nn.Module) -> None:
    """For plain stacks that predict a small correction of their input: a start from which a few updates already help.

    Noise is contrast, and brightness is most of what random filters answer to, so the filters of the first layer sum
    to zero.  Hidden layers pass their features on (identity plus a weak Kaiming), or seventeen of them would mix
    them beyond use.  The last layer begins with next to nothing, so that the input stays nearly as it is.
    """
    kaiming(network, gain=HIDDEN_GAIN)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        for layer in layers[1:-1]:
            centre = layer.kernel_size[0] // 2
            layer.weight[:, :, centre, centre] += torch.eye(layer.out_channels, layer.in_channels)
        nn.init.kaiming_normal_(layers[0].weight)
        nn.init.normal_(layers[-1].weight, std=0.001)
    see_contrast(layers[0])


@torch.no_grad()
def see_contrast(layer: nn.Conv2d) -> None:
    """Let the filters of a first layer sum to zero, so that they answer to contrast and not to brightness."""
    layer.weight -= layer.weight.mean(dim=(2, 3), keepdim=True)
    layer.weight *= CONTRAST_GAIN


HIDDEN_GAIN = 0.3
CONTRAST_GAIN = 5.0
"""Brings the response to typical local contrast (some 0.08 of the range) to about 1."""
