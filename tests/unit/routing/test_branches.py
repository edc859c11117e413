"""Branches together: the soft mixture against one patch at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from restoreroute.routing.branches import BranchBank, mix
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.router import Router

SCALE = 2


@pytest.fixture(params=[1, 2, 3, 5])
def bank(request: pytest.FixtureRequest) -> BranchBank:
    torch.manual_seed(7)
    networks = [nn.ConvTranspose2d(3, 3, 4, stride=SCALE, padding=1) for _ in range(request.param)]
    return BranchBank(networks, scale=SCALE)


@pytest.fixture
def patches() -> Tensor:
    return torch.rand(9, 3, 6, 5, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_mixture_of_certain_probabilities_is_the_chosen_branch(bank: BranchBank, patches: Tensor) -> None:
    route = torch.arange(9) % len(bank)
    certain = functional.one_hot(route, len(bank)).float()
    mixture = bank.mixture(patches, certain)
    for patch, branch, output in zip(patches, route.tolist(), mixture, strict=True):
        torch.testing.assert_close(output, bank[branch](patch[None])[0], rtol=0, atol=1e-6)


@torch.no_grad()
def test_mixture_is_the_weighted_sum(bank: BranchBank, patches: Tensor) -> None:
    probability = torch.randn(9, len(bank), generator=torch.Generator().manual_seed(2)).softmax(dim=1)
    mixture = bank.mixture(patches, probability)
    for index, output in enumerate(mixture):
        expected = sum(probability[index, i] * bank[i](patches[index : index + 1])[0] for i in range(len(bank)))
        torch.testing.assert_close(output, expected, rtol=0, atol=1e-6)


def test_mixture_of_equal_outputs_is_that_output() -> None:
    output = torch.rand(2, 3, 4, 4)
    probability = torch.tensor([[0.2, 0.3, 0.5], [0.9, 0.1, 0.0]])
    torch.testing.assert_close(mix([output] * 3, probability), output)


def test_a_bank_is_a_sequence_of_networks() -> None:
    networks = [nn.Conv2d(1, 1, 1) for _ in range(11)]
    bank = BranchBank(networks, scale=1)
    assert len(bank) == 11
    assert list(bank) == networks
    assert bank[10] is bank[-1] is networks[10]
    assert set(bank.state_dict()) == {f"{index}.{name}" for index in range(11) for name in ("weight", "bias")}
    with pytest.raises(IndexError):
        bank[11]


def test_a_bank_is_not_empty() -> None:
    with pytest.raises(ValueError, match="at least one network"):
        BranchBank([], scale=1)


def test_the_router_mixes_by_its_probabilities() -> None:
    torch.manual_seed(3)
    bank = BranchBank([nn.Conv2d(3, 3, 3, padding=1) for _ in range(3)], scale=1)
    router = Router(class_module=ClassModule(channels=3, branches=3, width=4), branches=bank)
    images = torch.rand(2, 3, 8, 8)
    mixture, probability = router(images)
    torch.testing.assert_close(probability.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(probability, router.class_module(images).softmax(dim=1))
    torch.testing.assert_close(mixture, bank.mixture(images, probability))
    mixture.sum().backward()
    assert all(parameter.grad is not None for parameter in router.parameters())
