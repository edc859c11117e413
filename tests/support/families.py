"""A small network of every family that learns, and what is known of each from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import restoreroute_backbones
from restoreroute.spec.backbone import BackboneFamily
from restoreroute_backbones.layers import MeanShift

FAMILIES = {family.name: family for family in restoreroute_backbones.restoreroute_backbones() if family.learns}


def bilinear(image: Tensor, scale: int) -> Tensor:
    """(B, C, h, w) -> (B, C, h * scale, w * scale), pixel centres at halves."""
    return functional.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)


def bilinear_by_steps(image: Tensor, scale: int) -> Tensor:
    """The same; x4 are two steps of x2."""
    return bilinear(bilinear(image, 2), 2) if scale == 4 else bilinear(image, scale)


def identity(image: Tensor, scale: int) -> Tensor:
    return image


def nearest(image: Tensor, scale: int) -> Tensor:
    """(B, C, h, w) -> (B, C, h * scale, w * scale), each pixel repeated."""
    return image.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A small network of a family, and what is known of the family from elsewhere.

    Attributes:
        options: that keep it small.
        width: of the small network; ``wider`` is another for the same options, and ``smallest`` the least there is.
        scales: that the family has to serve.
        widths: of the published routed model.
        most: distinct widths that there are.
        start: what a network computes before training, away from the border.
        trace: of a network and the number of colours, the weights by which the start departs from that.
        deeper: options whose receptive fields are others.
    """

    family: str
    smallest: int
    width: int
    wider: int
    widths: tuple[int, ...]
    most: int
    start: Callable[[Tensor, int], Tensor]
    trace: Callable[[nn.Module, int], Tensor] | None
    options: Mapping[str, Any] = field(default_factory=dict)
    deeper: tuple[Mapping[str, Any], ...] = ()
    scales: frozenset[int] = frozenset({2, 3, 4})

    @property
    def described(self) -> BackboneFamily:
        return FAMILIES[self.family]

    def build(self, scale: int, *, width: int | None = None, channels: int = 3, **options: Any) -> nn.Module:
        """A network, always from the same random numbers, ready for inference."""
        torch.manual_seed(0)
        family = self.described
        chosen = family.options.model_validate({**self.options, **options})
        return family.build(chosen, width=width or self.width, scale=scale, channels=channels).eval()


RCAN = Case(
    family="rcan",
    options={"groups": 2, "blocks": 1},
    deeper=({"groups": 1, "blocks": 3},),
    smallest=16,
    width=32,
    wider=64,
    widths=(36, 50, 64),
    most=29,
    start=bilinear_by_steps,
    trace=lambda network, colours: network.get_parameter("tail.weight")[:, colours:],
)
CARN = Case(
    family="carn",
    smallest=12,
    width=12,
    wider=20,
    widths=(36, 52, 64),
    most=8,
    start=bilinear_by_steps,
    trace=lambda network, colours: network.get_parameter("exit.weight")[:, colours:],
)
FSRCNN = Case(
    family="fsrcnn",
    smallest=3,
    width=6,
    wider=9,
    widths=(16, 36, 56),
    most=41,
    start=bilinear,
    trace=lambda network, colours: network.get_parameter("deconv.weight")[colours:],
)
CASES = {
    "carn": CARN,
    "compact": Case(
        family="compact",
        options={"depth": 2},
        deeper=({"depth": 0}, {"depth": 3, "activation": "silu"}, {"depth": 1, "activation": "relu"}),
        smallest=1,
        width=8,
        wider=12,
        widths=(16, 32, 48),
        most=3,
        scales=frozenset({1, 2, 3, 4}),
        start=nearest,
        trace=lambda network, _: network.get_parameter("convs.3.weight"),
    ),
    "disp": Case(
        family="disp",
        options={"blocks": 2},
        deeper=({"blocks": 1, "fuse": 3},),
        smallest=1,
        width=8,
        wider=12,
        widths=(16, 32, 48),
        most=3,
        scales=frozenset({1, 2, 3, 4}),
        start=bilinear,
        trace=lambda network, _: network.get_parameter("tail.weight"),
    ),
    "dncnn": Case(
        family="dncnn",
        options={"layers": 4},
        deeper=({"layers": 2},),
        smallest=1,
        width=8,
        wider=12,
        widths=(38, 52, 64),
        most=27,
        scales=frozenset({1}),
        start=identity,
        trace=lambda network, _: network.get_parameter("conv_3.weight"),
    ),
    "fmen": Case(
        family="fmen",
        options={"blocks": 1},
        deeper=({"blocks": 2},),
        smallest=1,
        width=8,
        wider=12,
        widths=(32, 48, 64),
        most=3,
        scales=frozenset({1, 2, 3, 4}),
        start=bilinear,
        trace=lambda network, _: network.get_parameter("tail.weight"),
    ),
    "fsrcnn": FSRCNN,
    "rcan": RCAN,
    "srresnet": Case(
        family="srresnet",
        options={"blocks": 2},
        deeper=({"blocks": 1},),
        smallest=1,
        width=8,
        wider=12,
        widths=(36, 52, 64),
        most=29,
        start=bilinear,
        trace=None,
    ),
}
each_family = pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
EVERY_SCALE = [
    pytest.param(case, scale, id=f"{name} x{scale}") for name, case in CASES.items() for scale in sorted(case.scales)
]
each_scale = pytest.mark.parametrize(("case", "scale"), EVERY_SCALE)


def photo(*shape: int) -> Tensor:
    """Of the contrast of photos, within [0, 1]."""
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return (0.5 + 0.08 * noise).clamp(0, 1)


def learnt(network: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters by name, but for the mean shifts, which stay."""
    return {
        f"{name}.{own}".removeprefix("."): parameter
        for name, layer in network.named_modules()
        if not isinstance(layer, MeanShift)
        for own, parameter in layer.named_parameters(recurse=False)
    }


@torch.no_grad()
def disturbed(network: nn.Module) -> nn.Module:
    """In double precision, with noise on all that is learnt and on the statistics, so that nothing is zero."""
    generator = torch.Generator().manual_seed(2)
    for parameter in learnt(network).values():
        std = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.1
        parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=std)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean.normal_(std=0.1, generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
    return network.double()


def inside(image: Tensor, scale: int) -> Tensor:
    """Without one degraded pixel at each side."""
    return image[..., scale:-scale, scale:-scale]


def rms(difference: Tensor) -> float:
    return difference.square().mean().sqrt().item()


@torch.no_grad()
def check_start(case: Case, network: nn.Module, scale: int, *, channels: int = 3) -> None:
    """Close to the interpolation that the case claims, and exactly it without the trace of the other channels."""
    image = photo(1, channels, 9, 8)
    expected = inside(case.start(image, scale), scale)
    assert rms(inside(network(image), scale) - expected) < 0.03
    if case.trace:
        case.trace(network, channels).zero_()
    torch.testing.assert_close(inside(network(image), scale), expected, rtol=0, atol=1e-4)
