"""Costs against the paper's figures and against closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.cost import Cost, measure_cost
from restoreroute_backbones.fsrcnn import FSRCNN, FsrcnnOptions

PATCH = (1, 3, 32, 32)
FSRCNN_COSTS = {  # width: executed M, paper M, parameters
    16: ("21.823", "141.26", 10_755),
    26: ("28.828", "222.92", 14_195),
    29: ("30.929", "247.41", 15_227),
    36: ("35.832", "304.57", 17_635),
    43: ("40.735", "361.73", 20_043),
    46: ("42.836", "386.22", 21_075),
    56: ("49.840", "467.88", 24_515),
}


def fsrcnn(width: int, scale: int = 4) -> nn.Module:
    return FSRCNN.build(FsrcnnOptions(), width=width, scale=scale, channels=3)


@pytest.mark.parametrize("width", FSRCNN_COSTS)
def test_fsrcnn_costs_what_is_published(width: int) -> None:
    cost = measure_cost(fsrcnn(width), PATCH)
    assert (f"{cost.executed / 1e6:.3f}", f"{cost.paper / 1e6:.2f}", cost.parameters) == FSRCNN_COSTS[width]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_fsrcnn_equals_the_closed_form(scale: int) -> None:
    width, pixels = 20, 24 * 16
    cost = measure_cost(fsrcnn(width, scale), (2, 3, 24, 16))
    convolutions = 5 * 5 * 3 * width + width * 12 + 4 * 9 * 12 * 12 + 12 * width
    deconvolution = 9 * 9 * width * 3
    assert cost.executed == 2 * 2 * pixels * (convolutions + deconvolution)
    assert cost.paper == 2 * 2 * pixels * (convolutions + scale**2 * deconvolution)


def test_class_module_costs_what_is_published() -> None:
    cost = measure_cost(ClassModule(channels=3, branches=3), PATCH)
    assert f"{cost.executed / 1e6:.3f}" == "7.602"
    assert cost.paper == cost.executed
    assert cost.parameters == 60_035


def test_a_narrow_class_module_costs_less() -> None:
    narrow = measure_cost(ClassModule(channels=3, branches=3, width=32), PATCH)
    macs = 8 * 8 * (4 * 4 * 3 * 32 + 3 * 32 * 32 + 32 * 32) + 32 * 3
    assert narrow.executed == 2 * macs
    assert narrow.executed < measure_cost(ClassModule(channels=3, branches=3), PATCH).executed / 4


def test_conventions_agree_without_transposed_convolution() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1, groups=4))
    cost = measure_cost(network, (1, 3, 10, 6))
    macs = 5 * 3 * (9 * 3 * 8 + 2 * 4)
    assert cost == Cost(executed=2 * macs, paper=2 * macs, parameters=9 * 3 * 8 + 8 + 2 * 4 + 4)


def test_a_transposed_convolution_is_charged_at_output_size_in_the_paper_only() -> None:
    cost = measure_cost(nn.ConvTranspose2d(6, 2, 4, stride=4, groups=2), (1, 6, 5, 5))
    executed = 2 * 25 * 16 * 6 * 1
    assert (cost.executed, cost.paper) == (executed, 16 * executed)


def test_cost_grows_with_batch_and_area_and_leaves_the_network_alone() -> None:
    network = fsrcnn(16).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    one = measure_cost(network, (1, 3, 8, 8)).executed
    assert measure_cost(network, (3, 3, 8, 16)).executed == 6 * one
    assert network.training
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_shared_weights_are_counted_once_as_parameters() -> None:
    layer = nn.Conv2d(3, 3, 1, bias=False)
    cost = measure_cost(nn.Sequential(layer, layer), (1, 3, 2, 2))
    assert cost.parameters == 9
    assert cost.executed == 2 * (2 * 4 * 9)
