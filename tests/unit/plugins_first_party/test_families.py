"""What holds for every family that learns, tested over all of them; what only one has is in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import restoreroute_backbones
from restoreroute.routing.cost import Cost, measure_cost
from restoreroute.spec.backbone import BackboneFamily
from restoreroute_backbones import narrowing
from restoreroute_backbones.layers import FixedNorm, MeanShift
from restoreroute_backbones.narrowing import IMAGE, Wire

FAMILIES = {family.name: family for family in restoreroute_backbones.restoreroute_backbones() if family.learns}


def bilinear(image: Tensor, scale: int) -> Tensor:
    """(B, C, h, w) -> (B, C, h * scale, w * scale), pixel centres at halves."""
    return functional.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)


def bilinear_by_steps(image: Tensor, scale: int) -> Tensor:
    """The same; x4 are two steps of x2."""
    return bilinear(bilinear(image, 2), 2) if scale == 4 else bilinear(image, scale)


def identity(image: Tensor, scale: int) -> Tensor:
    return image


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


def test_the_cases_are_all_families() -> None:
    assert {case.family for case in CASES.values()} == set(FAMILIES) == {"carn", "dncnn", "fsrcnn", "rcan", "srresnet"}


class TestDeclarations:
    @each_family
    def test_scales(self, case: Case) -> None:
        assert case.described.scales == case.scales

    @each_scale
    @pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 2), (13, 8)])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_sizes_are_exact(self, case: Case, scale: int, size: tuple[int, int], channels: int) -> None:
        assert case.described.size_multiple == 1
        with torch.inference_mode():
            restored = case.build(scale, channels=channels)(torch.rand(2, channels, *size))
        assert restored.shape == (2, channels, size[0] * scale, size[1] * scale)
        assert restored.dtype == torch.float32

    @each_scale
    def test_the_receptive_field_is_what_it_says(self, case: Case, scale: int) -> None:
        """One pixel is changed: outputs as far away as declared change, and none that are further."""
        family = case.described
        for options in (case.options, *case.deeper):
            reach = family.receptive_field(family.options.model_validate(options), scale)
            touched, distance = influence(disturbed(case.build(scale, **options)), scale, side=2 * reach + 5)
            if family.local:
                assert distance[touched].max() == reach
            else:
                assert touched[distance > reach].all()

    @each_family
    def test_which_are_local(self, case: Case) -> None:
        assert case.described.local == (case.family != "rcan")


@torch.inference_mode()
def influence(network: nn.Module, scale: int, *, side: int) -> tuple[Tensor, Tensor]:
    """Which degraded pixels' outputs the pixel in the middle changes, and how far from it they are, both (h, w)."""
    image = torch.rand(1, 3, side, side, dtype=torch.float64)
    changed = image.clone()
    changed[..., side // 2, side // 2] += 1
    difference = (network(changed) - network(image)).abs().amax(dim=(0, 1))
    touched = difference.reshape(side, scale, side, scale).amax(dim=(1, 3)) > 0
    away = (torch.arange(side) - side // 2).abs()
    return touched, torch.maximum(away[:, None], away[None, :])


class TestWidths:
    @each_family
    def test_those_of_the_paper(self, case: Case) -> None:
        assert case.described.widths == case.described.widths_for(3) == case.widths

    @each_family
    def test_any_number_of_branches(self, case: Case) -> None:
        found = set()
        step = (case.widths[-1] - case.widths[0]) / (case.most - 1)
        for branches in range(2, case.most + 1):
            widths = case.described.widths_for(branches)
            assert len(widths) == branches
            assert all(narrow < wide for narrow, wide in pairwise(widths))
            assert (widths[0], widths[-1]) == (case.widths[0], case.widths[-1])
            if branches != len(case.widths):
                even = np.linspace(widths[0], widths[-1], branches)
                assert np.abs(even - widths).max() <= step / 2
            found.update(widths)
        assert len(found) == case.most
        networks = (case.build(max(case.scales), width=width) for width in sorted(found))
        parameters = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
        assert all(few < many for few, many in pairwise(parameters))

    @each_family
    def test_too_few_or_too_many(self, case: Case) -> None:
        for branches in (-1, 0, 1):
            with pytest.raises(ValueError, match=f"at least 2 branches, not {branches}"):
                case.described.widths_for(branches)
        said = f"at most {case.most} distinct widths from {case.widths[0]} to {case.widths[-1]}, not {case.most + 1}"
        with pytest.raises(ValueError, match=said):
            case.described.widths_for(case.most + 1)

    @pytest.mark.parametrize(
        ("case", "width", "said"),
        [
            pytest.param(CARN, 14, "a multiple of 4 and at least 12, not 14", id="carn, no multiple"),
            pytest.param(CARN, 8, "a multiple of 4 and at least 12, not 8", id="carn, too few for the colours"),
            pytest.param(RCAN, 15, "at least 16, not 15", id="rcan"),
            pytest.param(FSRCNN, 2, "at least 3, not 2", id="fsrcnn"),
        ],
    )
    def test_widths_that_can_not_be(self, case: Case, width: int, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            case.build(4, width=width)


class TestCosts:
    """A 32x32 patch at x4 (at x1 for denoising); the last digit is the last that was published."""

    @pytest.mark.parametrize(
        ("name", "width", "executed", "paper", "parameters"),
        [
            ("fsrcnn", 16, "21.823e6", "141.26e6", 10_755),
            ("fsrcnn", 26, "28.828e6", "222.92e6", 14_195),
            ("fsrcnn", 29, "30.929e6", "247.41e6", 15_227),
            ("fsrcnn", 36, "35.832e6", "304.57e6", 17_635),
            ("fsrcnn", 43, "40.735e6", "361.73e6", 20_043),
            ("fsrcnn", 46, "42.836e6", "386.22e6", 21_075),
            ("fsrcnn", 56, "49.840e6", "467.88e6", 24_515),
            ("carn", 36, "380.53e6", "380.53e6", 94_851),
            ("carn", 52, "771.88e6", "771.88e6", 195_651),
            ("carn", 64, "1155.19e6", "1155.19e6", 294_939),
            ("srresnet", 36, "1658.2e6", "1658.2e6", 481_683),
            ("srresnet", 52, "3438.0e6", "3438.0e6", 1_002_771),
            ("srresnet", 64, "5194.0e6", "5194.0e6", 1_517_571),
            ("rcan", 64, "32.600e9", "32.600e9", 15_592_379),
            ("dncnn", 38, "403e6", "403e6", None),
            ("dncnn", 52, "753e6", "753e6", None),
            ("dncnn", 64, "1140e6", "1140e6", None),
        ],
    )
    def test_of_the_paper(self, name: str, width: int, executed: str, paper: str, parameters: int | None) -> None:
        family = FAMILIES[name]
        network = family.build(family.options(), width=width, scale=max(family.scales), channels=3)
        cost = measure_cost(network, (1, 3, 32, 32))
        assert to_digits_of(executed, cost.executed) == executed
        assert to_digits_of(paper, cost.paper) == paper
        assert parameters is None or cost.parameters == parameters
        assert (cost.paper == cost.executed) == (name != "fsrcnn")

    @pytest.mark.parametrize(
        ("width", "cost", "parameters"),
        [(36, "10.330e9", 4_940_707), (50, "19.908e9", 9_521_827), (64, "32.600e9", 15_592_379)],
    )
    def test_of_rcan_from_shallow_networks(self, width: int, cost: str, parameters: int) -> None:
        """It is linear in the groups, and that of a group in its blocks: three shallow networks tell it quickly."""
        shallow, longer, deeper = (
            measure_cost(RCAN.build(4, width=width, groups=groups, blocks=blocks), (1, 3, 32, 32))
            for groups, blocks in ((1, 1), (1, 2), (2, 1))
        )

        def full(count: Callable[[Cost], int]) -> int:
            block = count(longer) - count(shallow)
            group = count(deeper) - count(shallow)  # of one block
            return count(shallow) + 9 * group + 10 * 19 * block

        assert to_digits_of(cost, full(lambda measured: measured.executed)) == cost
        assert to_digits_of(cost, full(lambda measured: measured.paper)) == cost
        assert full(lambda measured: measured.parameters) == parameters


def to_digits_of(example: str, value: int) -> str:
    """The value written like the example: "21.823e6"."""
    mantissa, _, exponent = example.partition("e")
    digits = len(mantissa.partition(".")[2])
    return f"{value / 10 ** int(exponent):.{digits}f}e{exponent}"


class TestStart:
    @each_family
    def test_the_same_random_numbers_give_the_same_network(self, case: Case) -> None:
        scale = max(case.scales)
        for options in ({}, {"initialisation": "official"}):
            one, other = (case.build(scale, **options).state_dict() for _ in range(2))
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], other[name]) for name in one)
        official = case.build(scale, initialisation="official").state_dict()
        torch.manual_seed(1)
        options = case.described.options.model_validate({**case.options, "initialisation": "official"})
        another = case.described.build(options, width=case.width, scale=scale, channels=3).state_dict()
        assert {name: tensor.shape for name, tensor in another.items()} == {
            name: tensor.shape for name, tensor in official.items()
        }
        assert any(not torch.equal(official[name], another[name]) for name in official)

    @each_scale
    @pytest.mark.parametrize("channels", [1, 3])
    def test_it_interpolates(self, case: Case, scale: int, channels: int) -> None:
        for width in (case.smallest, case.width):
            check_start(case, case.build(scale, width=width, channels=channels), scale, channels=channels)

    @pytest.mark.parametrize("scale", [2, 3, 4])
    def test_the_range_of_values_changes_nothing(self, scale: int) -> None:
        check_start(RCAN, RCAN.build(scale, value_range=255), scale)

    @each_family
    def test_it_interpolates_at_full_size(self, case: Case) -> None:
        family, scale = case.described, max(case.scales)
        torch.manual_seed(0)
        network = family.build(family.options(), width=family.widths[-1], scale=scale, channels=3).eval()
        image = photo(1, 3, 6, 6)
        with torch.inference_mode():
            assert rms(inside(network(image) - case.start(image, scale), scale)) < 0.06

    @each_scale
    def test_the_official_start_is_another(self, case: Case, scale: int) -> None:
        image = photo(1, 3, 9, 8)
        with torch.inference_mode():
            official = case.build(scale, initialisation="official")(image)
            ours = case.build(scale)(image)
        assert official.isfinite().all()
        expected = case.start(image, scale)
        assert rms(inside(official - expected, scale)) > 2 * rms(inside(ours - expected, scale))

    @each_family
    @pytest.mark.parametrize("options", [{"initialisation": "random"}, {"depth": 3}])
    def test_options_that_are_not_there(self, case: Case, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(options))):
            case.described.options.model_validate(options)


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


class TestInference:
    @each_scale
    @torch.inference_mode()
    def test_a_batch_is_its_images_one_by_one(self, case: Case, scale: int) -> None:
        network = disturbed(case.build(scale))
        images = torch.rand(2, 3, 7, 5, dtype=torch.float64)
        one_by_one = torch.cat([network(image[None]) for image in images])
        torch.testing.assert_close(network(images), one_by_one, rtol=1e-9, atol=1e-9)

    @each_scale
    @torch.inference_mode()
    def test_the_memory_format_changes_nothing(self, case: Case, scale: int) -> None:
        network = disturbed(case.build(scale))
        images = torch.rand(2, 3, 7, 5, dtype=torch.float64)
        expected = network(images)
        network.to(memory_format=torch.channels_last)
        last = network(images.to(memory_format=torch.channels_last))
        torch.testing.assert_close(last, expected, rtol=1e-9, atol=1e-9)

    @torch.inference_mode()
    def test_both_normalisations_are_one_in_inference(self) -> None:
        fixed = disturbed(CARN.build(2))
        batch = CARN.build(2, normalisation="batch").double()
        batch.load_state_dict(fixed.state_dict())
        image = torch.rand(1, 3, 7, 5, dtype=torch.float64)
        torch.testing.assert_close(batch(image), fixed(image), rtol=1e-9, atol=1e-9)
        assert any(isinstance(layer, FixedNorm) for layer in fixed.modules())
        assert not any(isinstance(layer, FixedNorm) for layer in batch.modules())


class TestTraining:
    @each_scale
    def test_every_learnt_parameter_has_a_gradient(self, case: Case, scale: int) -> None:
        network = disturbed(case.build(scale)).train()
        network(torch.rand(2, 3, 6, 6, dtype=torch.float64)).square().mean().backward()
        for name, parameter in learnt(network).items():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name

    @each_scale
    @pytest.mark.parametrize("initialisation", ["ours", "official"])
    def test_every_learnt_parameter_moves_and_nothing_else(self, case: Case, scale: int, initialisation: str) -> None:
        """From the start; a layer may wait for the one behind it.  Wider, so that no bottleneck is dead by chance."""
        options = {"initialisation": "official"} if initialisation == "official" else {}
        network = case.build(scale, width=case.wider, **options).train().requires_grad_(True)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.1)
        image = torch.rand(2, 3, 6, 6)
        target = torch.rand(2, 3, 6 * scale, 6 * scale)
        received: set[str] = set()
        for _ in range(3):
            optimiser.zero_grad()
            (network(image) - target).abs().mean().backward()
            optimiser.step()
            received |= {
                name for name, weight in learnt(network).items() if weight.grad is not None and weight.grad.any()
            }
        assert received == set(learnt(network))
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, before[name]) == (name not in learnt(network)), name

    def test_the_mean_shifts_are_there(self) -> None:
        for case in (CARN, RCAN):
            shifts = [layer for layer in case.build(2).modules() if isinstance(layer, MeanShift)]
            assert len(shifts) == 2
            assert len(list(case.build(2).parameters())) == len(learnt(case.build(2))) + 4


class TestNarrowing:
    @each_scale
    @torch.no_grad()
    def test_to_the_same_width_is_the_same_function(self, case: Case, scale: int) -> None:
        wide, other = disturbed(case.build(scale)), case.build(scale).double()
        image = torch.rand(1, 3, 6, 5, dtype=torch.float64)
        assert not torch.allclose(other(image), wide(image))
        narrow(case, wide, other)
        torch.testing.assert_close(other(image), wide(image), rtol=1e-9, atol=1e-9)

    @each_scale
    def test_an_interpolation_stays_one(self, case: Case, scale: int) -> None:
        wide = case.build(scale, width=case.wider)
        for width in (case.smallest, case.width):
            network = case.build(scale, width=width, initialisation="official")
            narrow(case, wide, network)
            check_start(case, network, scale)

    @each_family
    def test_nothing_narrows_to_something_wider(self, case: Case) -> None:
        scale = max(case.scales)
        said = rf"there are {case.width} channels after \S+, not enough for {case.wider}"
        network = case.build(scale, width=case.wider)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        with pytest.raises(ValueError, match=said):
            narrow(case, case.build(scale), network)
        assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())

    @pytest.mark.parametrize(
        ("case", "scale"), [*EVERY_SCALE, pytest.param(replace(RCAN, width=64, wider=80), 2, id="rcan, wider")]
    )
    @torch.no_grad()
    def test_channels_that_matter_to_nothing_are_dropped(
        self, case: Case, scale: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every space gets a choice of its own, so that two which are really one would show."""
        wide, network = disturbed(case.build(scale, width=case.wider)), case.build(scale).double()
        wires = declared_wires(case, wide, monkeypatch)
        convolutions = {
            name
            for name, layer in wide.named_modules()
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and not isinstance(layer, MeanShift)
        }
        assert sorted(wire.layer for wire in wires) == sorted(convolutions)
        image = torch.rand(1, 3, 6, 5, dtype=torch.float64)
        before = wide(image)
        make_idle(wide, network, wires)
        expected = wide(image)
        assert not torch.allclose(expected, before)
        narrow(case, wide, network)
        torch.testing.assert_close(network(image), expected, rtol=1e-9, atol=1e-9)


def narrow(case: Case, wide: nn.Module, network: nn.Module) -> None:
    assert case.described.narrow is not None
    case.described.narrow(wide, network)


def declared_wires(case: Case, network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> list[Wire]:
    """What the family tells the narrowing about its layers."""
    told: list[Wire] = []

    def listen(wide: nn.Module, network: nn.Module, wires: list[Wire], **_: Any) -> None:
        told.extend(wires)

    with monkeypatch.context() as patch:
        patch.setattr(narrowing, "narrow", listen)
        narrow(case, network, network)
    return told


def make_idle(wide: nn.Module, network: nn.Module, wires: list[Wire]) -> None:
    """Zero what writes and reads all but as many channels of each space as the narrower network has."""
    generator = torch.Generator().manual_seed(3)
    idle: dict[str, list[int]] = {IMAGE: []}
    groups: dict[str, int] = {}
    for wire in wires:
        for space in (wire.reads, wire.writes):
            groups[space] = max(wire.groups, groups.get(space, 1))
    for wire in wires:
        if wire.writes in idle:
            continue
        there, wanted = (outputs(model, wire) // wire.spread for model in (wide, network))
        per_group = there // groups[wire.writes]
        space = wire.writes
        idle[space] = []
        for group in range(groups[space]):
            order = torch.randperm(per_group, generator=generator) + group * per_group
            first = order < 3  # these are always kept, where they may carry the image
            order = torch.cat([order[~first], order[first]] if is_bottleneck(space) else [order[first], order[~first]])
            idle[space] += order[wanted // groups[space] :].tolist()
    for wire in wires:
        weight = wide.get_parameter(f"{wire.layer}.weight")
        if wire.transposed:
            weight = weight.transpose(0, 1)
        for channel in idle[wire.writes]:
            weight[channel * wire.spread : (channel + 1) * wire.spread] = 0
        inputs, rows = weight.shape[1], weight.shape[0] // wire.groups
        read = inputs * wire.groups // wire.copies
        for channel in idle[wire.reads]:
            for position in range(channel, read * wire.copies, read):
                group = position // inputs
                weight[group * rows : (group + 1) * rows, position % inputs] = 0


def outputs(model: nn.Module, wire: Wire) -> int:
    return model.get_parameter(f"{wire.layer}.weight").shape[1 if wire.transposed else 0]


def is_bottleneck(space: str) -> bool:
    """Whether it is that of an attention."""
    return space.endswith("bottleneck")
