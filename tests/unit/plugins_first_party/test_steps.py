"""Families' networks in steps: the same function, with only as much context as is needed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from restoreroute.app.plugins import open_catalogue
from restoreroute.inference.engine import crop
from restoreroute.inference.steps import NO_CONTEXT, margins, operations, run_chains
from restoreroute.inference.tiles import Box, Tile
from restoreroute.routing.cost import measure_cost, measure_steps
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options

SIZE = (61, 70)

CASES = [
    ("fsrcnn", {}, 8, 2),
    ("fsrcnn", {}, 8, 3),
    ("fsrcnn", {}, 8, 4),
    ("carn", {}, 12, 2),
    ("carn", {}, 12, 3),
    ("carn", {}, 12, 4),
    ("srresnet", {"blocks": 3}, 6, 3),
    ("srresnet", {"blocks": 3}, 6, 4),
    ("dncnn", {"layers": 7}, 6, 1),
    ("compact", {"depth": 7}, 6, 1),
    ("compact", {"activation": "silu", "skip": "bilinear"}, 6, 2),
    ("compact", {"activation": "relu"}, 6, 4),
    ("disp", {"blocks": 2, "fuse": 3}, 6, 1),
    ("disp", {"blocks": 2}, 6, 3),
    ("disp", {"blocks": 2}, 6, 4),
    ("fmen", {"blocks": 1}, 6, 1),
    ("fmen", {"blocks": 1}, 6, 4),
]


def case_name(case: tuple[str, dict[str, object], int, int]) -> str:
    return f"{case[0]}-x{case[3]}"


@pytest.fixture(params=CASES, ids=case_name)
def case(request: pytest.FixtureRequest) -> tuple[BackboneFamily, Options, nn.Module, int]:
    name, values, width, scale = request.param
    family = open_catalogue().backbones.get(name)
    options = family.options.model_validate(values)
    torch.manual_seed(0)
    network = family.build(options, width=width, scale=scale, channels=3).eval()
    with torch.no_grad():  # fresh networks hardly mix neighbours
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return family, options, network, scale


def image() -> Tensor:
    return torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))


def whole(network: nn.Module) -> Tensor:
    with torch.no_grad():
        restored: Tensor = network(image())[0]
    return restored


def test_steps_are_the_network(case: tuple[BackboneFamily, Options, nn.Module, int]) -> None:
    family, _, network, _ = case
    assert family.chains is not None
    with torch.no_grad():
        restored = run_chains(family.chains(network), image(), NO_CONTEXT)[0]
    torch.testing.assert_close(restored, whole(network), rtol=1e-5, atol=1e-5)


def test_they_say_how_far_the_network_sees(case: tuple[BackboneFamily, Options, nn.Module, int]) -> None:
    family, options, network, scale = case
    assert family.chains is not None
    seen = max(margins(chain)[0] for chain in family.chains(network))
    assert seen == family.receptive_field(options, scale)


def test_without_padding_a_step_gives_the_same_but_for_its_border(
    case: tuple[BackboneFamily, Options, nn.Module, int],
) -> None:
    family, _, network, _ = case
    assert family.chains is not None
    unpadded = 0
    for chain in family.chains(network):
        features = image()
        for step in chain:
            with torch.no_grad():
                padded = step.run(features)
                if step.inner is not None:
                    height, width = features.shape[2:]
                    inside = Box(step.reach, step.reach, height - step.reach, width - step.reach)
                    expected = crop(padded, inside, step.scale)
                    tolerance = 1e-6 * float(expected.abs().max())
                    torch.testing.assert_close(step.inner(features), expected, rtol=0, atol=tolerance)
                    unpadded += 1
            features = padded
    assert unpadded


@pytest.mark.parametrize("inside", [Box(25, 28, 33, 40), Box(0, 28, 20, 40), Box(3, 50, 61, 70), Box(0, 0, 61, 70)])
@pytest.mark.parametrize("spare", [0, 3])
def test_a_piece_with_its_context_is_the_whole_image_pass(
    case: tuple[BackboneFamily, Options, nn.Module, int], inside: Box, spare: int
) -> None:
    family, options, network, scale = case
    assert family.chains is not None
    tile = Tile(window=inside.grown(family.receptive_field(options, scale) + spare, *SIZE), inside=inside)
    with torch.no_grad():
        restored = run_chains(family.chains(network), crop(image(), tile.window, 1), tile.context)[0]
    expected = whole(network)
    tolerance = 1e-5 * float(expected.abs().max())
    torch.testing.assert_close(restored, crop(expected, inside, scale), rtol=0, atol=tolerance)


def test_less_context_is_that_of_the_network_on_the_window(
    case: tuple[BackboneFamily, Options, nn.Module, int],
) -> None:
    family, _, network, scale = case
    assert family.chains is not None
    inside = Box(25, 28, 33, 40)
    tile = Tile(window=inside.grown(4, *SIZE), inside=inside)
    with torch.no_grad():
        window = crop(image(), tile.window, 1)
        restored = run_chains(family.chains(network), window, tile.context)[0]
        alone = network(window)[0]
    expected = crop(alone, Box(4, 4, 4 + inside.height, 4 + inside.width), scale)
    torch.testing.assert_close(restored, expected, rtol=1e-5, atol=1e-5)


def test_operations_are_those_that_are_done(case: tuple[BackboneFamily, Options, nn.Module, int]) -> None:
    family, options, network, scale = case
    assert family.chains is not None
    shape = (1, 3, *SIZE)
    steps = measure_steps(network, family.chains, shape)
    whole_image = Tile(window=Box(0, 0, *SIZE), inside=Box(0, 0, *SIZE))
    full = measure_cost(network, shape).executed
    assert operations(steps, whole_image) == pytest.approx(full)

    inside = Box(25, 28, 33, 40)
    tile = Tile(window=inside.grown(family.receptive_field(options, scale), *SIZE), inside=inside)
    per_area = operations(steps, tile) / inside.area * SIZE[0] * SIZE[1]
    windowed = full * tile.window.area / inside.area
    assert full < per_area < 0.9 * windowed


# a transposed convolution is counted by what it is, not by how it runs
@pytest.mark.parametrize("case", [each for each in CASES if each[0] != "fsrcnn"], indirect=True, ids=case_name)
@pytest.mark.parametrize("inside", [Box(25, 28, 33, 40), Box(0, 28, 20, 40)])
@pytest.mark.parametrize("less", [0, 3])
def test_operations_of_a_piece_are_those_of_its_convolutions(
    case: tuple[BackboneFamily, Options, nn.Module, int], inside: Box, less: int
) -> None:
    family, options, network, scale = case
    assert family.chains is not None
    tile = Tile(window=inside.grown(family.receptive_field(options, scale) - less, *SIZE), inside=inside)

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run_chains(family.chains(network), crop(image(), tile.window, 1), tile.context)

    steps = measure_steps(network, family.chains, (1, 3, *SIZE))
    assert operations(steps, tile) == pytest.approx(counter.get_total_flops())
