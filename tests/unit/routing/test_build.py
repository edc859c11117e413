"""Networks with fresh weights: reproducible, and nobody else's randomness is touched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from restoreroute.routing.model_file import build_class_module, build_network
from restoreroute.spec.plan import BranchPlan, TaskPlan
from restoreroute.spec.stages import ClassModuleOptions
from restoreroute_backbones.fsrcnn import FSRCNN, FsrcnnOptions

Build = Callable[..., nn.Module]


@pytest.fixture(params=["network", "class_module"])
def build(request: pytest.FixtureRequest, task: TaskPlan) -> Build:
    if request.param == "network":
        return partial(build_network, BranchPlan(family=FSRCNN, options=FsrcnnOptions(), width=16), task)
    return partial(build_class_module, ClassModuleOptions(width=8), channels=3, branches=3)


def same(one: nn.Module, other: nn.Module) -> bool:
    others = other.state_dict()
    return all(torch.equal(tensor, others[name]) for name, tensor in one.state_dict().items())


def test_weights_are_decided_by_the_seed(build: Build) -> None:
    torch.manual_seed(1)
    first = build(seed=5)
    torch.manual_seed(2)
    assert same(first, build(seed=5))
    assert not same(first, build(seed=6))


def test_the_global_random_state_stays(build: Build) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    build(seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_weights_are_channels_last(build: Build) -> None:
    kernels = [parameter for parameter in build(seed=0).parameters() if parameter.ndim == 4]
    assert kernels
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)


def test_the_task_gives_scale_and_channels(task: TaskPlan) -> None:
    network = build_network(BranchPlan(family=FSRCNN, options=FsrcnnOptions(), width=16), task, seed=0)
    assert network(torch.zeros(1, 3, 5, 6)).shape == (1, 3, 10, 12)
