"""disp: its reach by options, and where its residual connections end."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from restoreroute_backbones.disp import DISP, DispOptions
from restoreroute_backbones.disp_network import ResidualBlock


@pytest.mark.parametrize(("options", "reach"), [({}, 18), ({"fuse": 3}, 19), ({"blocks": 2}, 10)])
def test_the_reach(options: dict[str, int], reach: int) -> None:
    assert DISP.receptive_field(DispOptions.model_validate(options), 4) == reach


def test_a_block_adds_its_input_after_the_last_activation() -> None:
    torch.manual_seed(0)
    block = ResidualBlock(6)
    features = torch.randn(2, 6, 9, 8)
    inside = features
    for number in range(4):
        weight, bias = (block.get_parameter(f"convs.{number}.{kind}") for kind in ("weight", "bias"))
        inside = functional.silu(functional.conv2d(inside, weight, bias, padding=1))
    torch.testing.assert_close(block(features), features + inside)


def test_without_gradients_the_input_stays_as_it_is() -> None:
    block = ResidualBlock(6)
    features = torch.randn(1, 6, 5, 5)
    before = features.clone()
    with torch.no_grad():
        block(features)
    assert torch.equal(features, before)
