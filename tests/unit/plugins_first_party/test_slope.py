"""The slope that trains by a leaky ReLU is a PReLU, in both passes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from restoreroute_backbones.slope import SharedSlope


@pytest.mark.parametrize("slope", [0.25, 0.0, 1.3, -0.2])
def test_training_and_evaluation_are_one_function(slope: float) -> None:
    torch.manual_seed(0)
    layer = SharedSlope()
    nn.init.constant_(layer.weight, slope)
    features = torch.randn(2, 5, 7, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(2, 5, 7, 6)
    found = []
    for mode in (True, False):
        layer.train(mode)
        layer.zero_grad()
        features.grad = None
        sloped = layer(features)
        (sloped * weights).sum().backward()
        assert features.grad is not None
        assert layer.weight.grad is not None
        found.append([sloped.detach(), features.grad.clone(), layer.weight.grad.clone()])
    for trained, evaluated in zip(*found, strict=True):
        torch.testing.assert_close(trained, evaluated, rtol=1e-5, atol=1e-5)


def test_it_has_the_parameter_of_a_prelu() -> None:
    assert isinstance(SharedSlope(), nn.PReLU)
    assert [tuple(parameter.shape) for parameter in SharedSlope().parameters()] == [(1,)]
