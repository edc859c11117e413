"""SRResNet: costs of the published widths, declarations probed, initialisations."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from restoreroute.routing.cost import measure_cost
from restoreroute_backbones.srresnet import SRRESNET, SrresnetOptions, rename_official

SCALES = sorted(SRRESNET.scales)


def make(width: int = 8, scale: int = 4, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return SRRESNET.build(SrresnetOptions.model_validate(options), width=width, scale=scale, channels=3)


@pytest.mark.parametrize(
    ("width", "parameters", "executed"),
    [(36, 481_683, 1658.2e6), (52, 1_002_771, 3438.0e6), (64, 1_517_571, 5194.0e6)],
)
def test_costs_of_the_paper(width: int, parameters: int, executed: float) -> None:
    cost = measure_cost(make(width), (1, 3, 32, 32))
    assert cost.parameters == parameters
    assert cost.executed == pytest.approx(executed, abs=0.05e6)
    assert cost.paper == cost.executed


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(1, 1), (5, 9)])
def test_sizes_are_exact(scale: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        restored = make(8, scale, blocks=2)(torch.rand(2, 3, *size))
    assert restored.shape == (2, 3, size[0] * scale, size[1] * scale)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("blocks", [1, 3])
def test_an_output_depends_on_its_receptive_field(scale: int, blocks: int) -> None:
    network = make(8, scale, blocks=blocks).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    reach = SRRESNET.receptive_field(SrresnetOptions(blocks=blocks), scale)
    side = 2 * reach + 3
    image = torch.rand(1, 3, side, side, dtype=torch.float64)
    changed = image.clone()
    changed[..., side // 2, side // 2] += 1
    with torch.inference_mode():
        moved = (network(changed) - network(image)).abs().amax(dim=(0, 1))
    touched = moved.reshape(side, scale, side, scale).amax(dim=(1, 3)) > 0
    distance = (torch.arange(side) - side // 2).abs()
    furthest = torch.maximum(distance[:, None], distance[None, :])[touched].max()
    assert furthest <= reach
    assert furthest >= reach - 1, "the declaration is no larger than it has to be"


def test_the_interpolating_start_is_bilinear() -> None:
    image = torch.rand(1, 3, 7, 6)
    with torch.inference_mode():
        bilinear = functional.interpolate(image, scale_factor=4, mode="bilinear", align_corners=False)
        torch.testing.assert_close(make(blocks=2)(image), bilinear, rtol=0, atol=1e-6)
        assert not torch.equal(make(blocks=2, initialisation="official")(image), bilinear)


def test_widths() -> None:
    assert SRRESNET.widths_for(3) == (36, 52, 64)
    for branches in range(2, 30):
        widths = SRRESNET.widths_for(branches)
        assert len(set(widths)) == branches
        assert list(widths) == sorted(widths)
        assert (widths[0], widths[-1]) == (36, 64)
    for branches in (1, 30):
        with pytest.raises(ValueError, match=str(branches)):
            SRRESNET.widths_for(branches)


def test_the_authors_names() -> None:
    assert rename_official("recon_trunk.11.conv2.bias") == "detail.block_11.second.bias"
    assert rename_official("upconv2.weight") == "detail.up_1.weight"
    with pytest.raises(KeyError):
        rename_official("conv_middle.weight")
