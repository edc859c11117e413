"""What holds for every family that learns, tested over all of them; what only one has is in a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from families import (
    CARN,
    CASES,
    FAMILIES,
    FSRCNN,
    RCAN,
    Case,
    check_start,
    disturbed,
    each_family,
    each_scale,
    inside,
    learnt,
    photo,
    rms,
)
from torch import Tensor, nn

from restoreroute.routing.cost import Cost, measure_cost
from restoreroute_backbones.interpolate import INTERPOLATE
from restoreroute_backbones.layers import FixedNorm, MeanShift


def test_the_cases_are_all_families() -> None:
    assert {case.family for case in CASES.values()} == set(FAMILIES)
    assert set(FAMILIES) == {"carn", "compact", "disp", "dncnn", "fmen", "fsrcnn", "rcan", "srresnet"}


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
    def test_quick_widths_are_shown(self, case: Case) -> None:
        expected = 64 if case.family == "carn" else 16
        assert case.described.facts()["quick widths"] == f"multiples of {expected}"

    def test_an_interpolation_has_no_quick_widths(self) -> None:
        assert "quick widths" not in INTERPOLATE.facts()

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
    @pytest.mark.parametrize("options", [{"initialisation": "random"}, {"layer": 3}])
    def test_options_that_are_not_there(self, case: Case, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(options))):
            case.described.options.model_validate(options)


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
