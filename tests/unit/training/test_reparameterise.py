"""Wider linear blocks: another way to train, and the same network."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from families import Case, each_family, learnt, photo
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from restoreroute.spec.stages import StageOptions
from restoreroute.training.optimisers import make_optimiser
from restoreroute.training.reparameterise import expand, fold

DENOISER_CONVOLUTIONS = 3
RATE = 1e-2


def denoiser() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 20, 3), nn.ReLU(), nn.Conv2d(20, 12, 3), nn.ReLU(), nn.Conv2d(12, 3, 3))


def expanded(network: nn.Module, seed: int = 0) -> nn.Module:
    expand(network, torch.Generator().manual_seed(seed))
    return network


def learn(network: nn.Module, optimiser: str = "adam", updates: int = 2) -> None:
    """Some updates that move every block."""
    trainer = make_optimiser(network, StageOptions(iterations=updates, batch=2, lr=RATE, optimiser=optimiser))
    for seed in range(updates):
        image = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(seed))
        trainer.zero_grad()
        (network(image) - 0.5).square().mean().backward()
        trainer.step()


def moved_by_blocks(network: nn.Module) -> float:
    """The largest difference that the blocks make to any kernel."""
    return max(
        (layer.weight - layer.get_parameter("parametrizations.weight.original")).abs().max().item()
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and hasattr(layer, "parametrizations")
    )


def plain_convolutions(network: nn.Module) -> int:
    return sum(
        isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) and layer.groups == 1
        for layer in network.modules()
    )


@each_family
def test_a_family_trains_expanded_and_is_itself_again(case: Case) -> None:
    network = case.build(max(case.scales)).train().requires_grad_(True)
    names = [name for name, _ in network.named_parameters()]
    kinds = [type(layer) for layer in network.modules()]
    image = photo(2, 3, 12, 12)
    before = network(image).detach()

    count = expand(network, torch.Generator().manual_seed(0))
    start = network(image).detach()
    learn(network)
    after = network(image).detach()
    folded = fold(network)

    assert count == folded == plain_convolutions(network) > 0
    assert torch.equal(start, before)
    assert (after - before).abs().max() > 1e-3
    torch.testing.assert_close(network(image).detach(), after, rtol=0, atol=1e-5)
    assert [name for name, _ in network.named_parameters()] == names, "states of optimisers go by the order"
    assert [type(layer) for layer in network.modules()] == kinds
    assert all(parameter.is_leaf and parameter.requires_grad for parameter in learnt(network).values())
    case.build(max(case.scales)).load_state_dict(network.state_dict())


def test_the_kernel_is_the_sum_of_two_paths() -> None:
    """The block as a network would compute it: E, then P, beside W."""
    layer = nn.Conv2d(5, 20, 3, bias=False)
    expanded(layer)
    with torch.no_grad():
        layer.get_parameter("parametrizations.weight.0.project").normal_()
    state = layer.state_dict()
    image = torch.rand(1, 5, 9, 9)

    wide = nn.functional.conv2d(image, state["parametrizations.weight.0.expand"])
    beside = nn.functional.conv2d(wide, state["parametrizations.weight.0.project"])
    expected = nn.functional.conv2d(image, state["parametrizations.weight.original"]) + beside

    assert wide.shape[1] == 80
    torch.testing.assert_close(layer(image), expected, rtol=1e-4, atol=1e-4)


def test_few_outputs_are_widened_too() -> None:
    layer = nn.Conv2d(64, 3, 3)
    expanded(layer)
    drawn = layer.get_parameter("parametrizations.weight.0.expand")

    assert drawn.shape == (64, 64, 3, 3)
    assert drawn.std().item() == pytest.approx((64 * 9) ** -0.5, rel=0.05)


def test_only_plain_3x3_convolutions_are_expanded() -> None:
    class Fixed(nn.Conv2d):
        """A convolution that uses its weight in a way of its own."""

    others = nn.ModuleList(
        [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 5), nn.Conv2d(4, 4, 3, groups=2), nn.ConvTranspose2d(4, 4, 3)]
    )
    others.append(Fixed(4, 4, 3))
    names = [name for name, _ in others.named_parameters()]

    assert expand(others, torch.Generator()) == 0
    assert fold(others) == 0
    assert [name for name, _ in others.named_parameters()] == names


def test_a_network_is_expanded_once() -> None:
    network = denoiser()

    assert expand(network, torch.Generator()) == DENOISER_CONVOLUTIONS
    assert expand(network, torch.Generator()) == 0
    assert fold(network) == DENOISER_CONVOLUTIONS
    assert fold(network) == 0


def test_blocks_come_from_the_generator_alone() -> None:
    first, same, other = (expanded(denoiser(), seed).state_dict() for seed in (1, 1, 2))
    drawn = "2.parametrizations.weight.0.expand"

    assert torch.equal(first[drawn], same[drawn])
    assert not torch.equal(first[drawn], other[drawn])


def test_copies_are_folded_apart() -> None:
    """The average of the weights is a copy, which is folded to be validated while the network trains on."""
    network = expanded(denoiser())
    learn(network)
    image = torch.rand(1, 3, 12, 12)
    expected = network(image).detach()
    twin = copy.deepcopy(network)

    fold(twin)
    torch.testing.assert_close(twin(image).detach(), expected, rtol=0, atol=1e-5)
    assert torch.equal(network(image), expected)
    learn(network)
    assert (network(image) - expected).abs().max() > 1e-3
    assert fold(network) == DENOISER_CONVOLUTIONS
    assert fold(copy.deepcopy(twin)) == 0


def test_an_average_of_the_weights_follows_all_of_a_block() -> None:
    network = expanded(denoiser())
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    average.update_parameters(network)  # the first one is a copy
    project = "2.parametrizations.weight.0.project"
    before = network.get_parameter(project).detach().clone()

    learn(network)
    average.update_parameters(network)

    mean = (before + network.get_parameter(project)) / 2
    torch.testing.assert_close(average.module.get_parameter(project).detach(), mean.detach())
    assert fold(average.module) == DENOISER_CONVOLUTIONS
    denoiser().load_state_dict(average.module.state_dict())


def test_a_state_comes_back_into_a_network_expanded_from_another_seed() -> None:
    network = expanded(denoiser())
    learn(network)
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    buffer.seek(0)

    again = expanded(denoiser(), seed=9)
    again.load_state_dict(torch.load(buffer, weights_only=True))

    image = torch.rand(1, 3, 12, 12)
    assert moved_by_blocks(network) > 1e-3
    assert torch.equal(again(image), network(image))


def test_layout_stays_channels_last() -> None:
    network = denoiser().to(memory_format=torch.channels_last)
    expanded(network)
    image = torch.rand(2, 3, 12, 12).to(memory_format=torch.channels_last)
    learn(network)

    def kernel(number: int) -> Tensor:
        weight = network.get_submodule(str(number)).weight
        assert isinstance(weight, Tensor)
        return weight

    assert kernel(2).is_contiguous(memory_format=torch.channels_last)
    assert network(image).is_contiguous(memory_format=torch.channels_last)
    fold(network)
    assert kernel(2).is_contiguous(memory_format=torch.channels_last)


def test_muon_takes_the_blocks_for_kernels() -> None:
    network = expanded(denoiser())

    learn(network, "muon", updates=1)

    change = network.get_parameter("2.parametrizations.weight.0.project").detach()  # from zero
    assert change.square().mean().sqrt() == pytest.approx(0.2 * RATE, rel=0.3), "Adam's first is the rate itself"
    assert all(value.isfinite().all() for value in network.state_dict().values())
