"""How layers start, one by one; what whole networks start as is in test_families.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from restoreroute_backbones.initialise import (
    add_nothing,
    bilinear_taps,
    carry,
    carry_up,
    kaiming,
    read_carried,
    start_from_identity,
)
from restoreroute_backbones.layers import MeanShift


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("gain", [0.1, 1.0])
def test_kaiming_leaves_mean_shifts_alone(gain: float) -> None:
    shift, conv, deconv = MeanShift([1.0, 2.0, 3.0]), nn.Conv2d(3, 64, 3), nn.ConvTranspose2d(64, 64, 3)
    before = [parameter.clone() for parameter in shift.parameters()]
    kaiming(nn.Sequential(shift, conv, deconv), gain=gain)
    assert all(torch.equal(one, other) for one, other in zip(shift.parameters(), before, strict=True))
    for layer in (conv, deconv):
        expected = gain * (2 / layer.weight[0].numel()) ** 0.5
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.1)
        assert layer.bias is not None
        assert not layer.bias.any()


@pytest.mark.parametrize("copy", [0, 1, 2])
def test_carry_passes_one_copy_on(copy: int) -> None:
    layer = nn.Conv2d(3 * 5, 5, 3, padding=1, bias=False)
    others = layer.weight[3:].clone()
    carry(layer, 3, copy=copy)
    features = torch.rand(1, 15, 4, 4)
    torch.testing.assert_close(layer(features)[:, :3], features[:, 5 * copy : 5 * copy + 3])
    assert torch.equal(layer.weight[3:], others)


def test_add_nothing_gives_zeros_in_the_first() -> None:
    layer = nn.Conv2d(5, 5, 3, padding=1, bias=False)
    add_nothing(layer, 3)
    output = layer(torch.rand(1, 5, 4, 4))
    assert not output[:, :3].any()
    assert output[:, 3:].all()


@pytest.mark.parametrize("step", [2, 3])
def test_taps_of_a_bilinear_interpolation(step: int) -> None:
    expected = {2: [[0.25, 0.75, 0], [0, 0.75, 0.25]], 3: [[1 / 3, 2 / 3, 0], [0, 1, 0], [0, 2 / 3, 1 / 3]]}
    torch.testing.assert_close(bilinear_taps(step), torch.tensor(expected[step]))


@pytest.mark.parametrize("step", [2, 3])
def test_carry_up_leaves_the_other_channels_alone(step: int) -> None:
    layer = nn.Conv2d(5, 5 * step**2, 3, padding=1)
    others = layer.weight[3 * step**2 :].clone()
    carry_up(layer, 3, step=step)
    assert torch.equal(layer.weight[3 * step**2 :], others)
    assert not layer.weight[: 3 * step**2, 3:].any()


def test_read_carried_leaves_a_trace_of_the_others() -> None:
    layer = nn.Conv2d(64, 3, 3, padding=1, bias=False)
    read_carried(layer, 3)
    carried, others = layer.weight[:, :3], layer.weight[:, 3:]
    assert others.std().item() == pytest.approx(0.001, rel=0.1)
    assert torch.equal(carried.sum(dim=(2, 3)), torch.eye(3))
    assert torch.equal(carried[:, :, 1, 1], torch.eye(3))


def test_the_identity_start_answers_to_contrast_alone() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 3, 3))
    start_from_identity(network)
    for brightness in (0.1, 0.9):
        assert network(torch.full((1, 3, 8, 8), brightness)).abs().max() < 1e-6
    assert 1e-4 < network(torch.rand(1, 3, 8, 8)).abs().max() < 0.1
