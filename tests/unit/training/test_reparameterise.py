"""Wider linear blocks: another way to train, and the same network."""

from __future__ import annotations

import io

import pytest
import torch
from families import Case, each_family, photo
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from restoreroute.spec.stages import StageOptions
from restoreroute.training.optimisers import make_optimiser
from restoreroute.training.reparameterise import collapsed_state, expanded

RATE = 1e-2


def denoiser() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 20, 3), nn.ReLU(), nn.Conv2d(20, 12, 3), nn.ReLU(), nn.Conv2d(12, 3, 3))


def wider(network: nn.Module, seed: int = 0) -> nn.Module:
    return expanded(network, torch.Generator().manual_seed(seed))


def learn(network: nn.Module, optimiser: str = "adam", updates: int = 2) -> None:
    """Some updates that move every block."""
    trainer = make_optimiser(network, StageOptions(iterations=updates, batch=2, lr=RATE, optimiser=optimiser))
    for seed in range(updates):
        image = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(seed))
        trainer.zero_grad()
        (network(image) - 0.5).square().mean().backward()
        trainer.step()


@each_family
def test_a_family_trains_wider_and_is_itself_again(case: Case) -> None:
    plain = case.build(max(case.scales)).train().requires_grad_(True)
    image = photo(2, 3, 12, 12)
    before = plain(image).detach()

    network = wider(plain)
    start = network(image).detach()
    learn(network)
    after = network(image).detach()

    assert torch.equal(start, before)
    assert (after - before).abs().max() > 1e-3
    assert torch.equal(plain(image).detach(), before)
    convolutions = sum(
        type(layer) is nn.Conv2d and layer.kernel_size == (3, 3) and layer.groups == 1 for layer in plain.modules()
    )
    blocks = sum(name.endswith(".project") for name in network.state_dict())
    assert blocks == convolutions > 0
    plain.load_state_dict(collapsed_state(network))
    torch.testing.assert_close(plain(image).detach(), after, rtol=0, atol=1e-5)


def test_the_kernel_is_the_sum_of_two_paths() -> None:
    """The block as a network would compute it: E, then P, beside W."""
    layer = wider(nn.Conv2d(5, 20, 3, bias=False))
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
    drawn = wider(nn.Conv2d(64, 3, 3)).get_parameter("parametrizations.weight.0.expand")

    assert drawn.shape == (64, 64, 3, 3)
    assert drawn.std().item() == pytest.approx((64 * 9) ** -0.5, rel=0.05)


def test_only_plain_3x3_convolutions_are_expanded() -> None:
    class Fixed(nn.Conv2d):
        """A convolution that uses its weight in a way of its own."""

    others = nn.ModuleList(
        [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 5), nn.Conv2d(4, 4, 3, groups=2), nn.ConvTranspose2d(4, 4, 3)]
    )
    others.append(Fixed(4, 4, 3))

    assert wider(others).state_dict().keys() == others.state_dict().keys()


def test_a_layer_without_a_name_is_collapsed_too() -> None:
    layer = nn.Conv2d(4, 4, 3)
    network = wider(layer)
    assert collapsed_state(network).keys() == layer.state_dict().keys()


def test_blocks_come_from_the_generator_alone() -> None:
    first, same, other = (wider(denoiser(), seed).state_dict() for seed in (1, 1, 2))
    drawn = "2.parametrizations.weight.0.expand"

    assert torch.equal(first[drawn], same[drawn])
    assert not torch.equal(first[drawn], other[drawn])


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_its_state_goes_on(optimiser: str) -> None:
    network = wider(denoiser())
    learn(network, optimiser)
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    buffer.seek(0)
    again = wider(denoiser(), seed=9)
    again.load_state_dict(torch.load(buffer, weights_only=True))

    for one in (network, again):
        learn(one, optimiser)

    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in again.state_dict().items())


def test_an_average_of_blocks_collapses_to_the_average_network() -> None:
    network = wider(denoiser())
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    for _ in range(3):
        learn(network)
        average.update_parameters(network)
    image = torch.rand(1, 3, 12, 12)
    plain = denoiser()
    plain.load_state_dict(collapsed_state(average.module))

    torch.testing.assert_close(plain(image), average(image), rtol=0, atol=1e-5)
    assert not torch.allclose(plain(image), network(image), atol=1e-4)
