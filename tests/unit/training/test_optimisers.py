"""What updates the weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restoreroute.spec.events import ignore
from restoreroute.spec.stages import StageOptions
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import train
from restoreroute.training.optimisers import make_optimiser, orthogonal

RATE = 1e-3


def denoiser() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3), nn.ReLU(), nn.Conv2d(12, 3, 3))


def muon(**options: Any) -> StageOptions:
    return StageOptions(**{"iterations": 10, "batch": 1, "lr": RATE, "optimiser": "muon"} | options)


def changes_by_one_step(network: nn.Module, options: StageOptions) -> dict[str, Tensor]:
    before = {name: value.clone() for name, value in network.named_parameters()}
    optimiser = make_optimiser(network, options)
    network(torch.rand(1, 3, 12, 12)).square().mean().backward()
    optimiser.step()
    return {name: (value - before[name]).detach() for name, value in network.named_parameters()}


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (64, 64), (1, 9)])
def test_a_matrix_becomes_nearly_orthogonal_and_keeps_its_directions(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)

    found = left.T @ orthogonal(matrix[None])[0] @ right.T

    assert found.shape == (min(shape), min(shape))
    values = found.diagonal()
    # a square random matrix has some values so near to 0 that they do not get all the way
    assert 0.65 < values.median() < 1.25
    assert values.max() < 1.3
    assert (found - torch.diag(values)).abs().max() < 1e-3


def test_the_size_of_a_matrix_does_not_count() -> None:
    matrix = torch.randn(8, 72, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(orthogonal(matrix[None] * 1e-6), orthogonal(matrix[None]), rtol=1e-3, atol=1e-4)


def test_a_gradient_of_zero_changes_nothing() -> None:
    assert torch.equal(orthogonal(torch.zeros(2, 4, 9)), torch.zeros(2, 4, 9))


def test_only_kernels_between_features_are_orthogonalised() -> None:
    changes = changes_by_one_step(denoiser(), muon())

    hidden = changes["2.weight"].flatten(1)
    singular = torch.linalg.svdvals(hidden)
    assert singular.min() > 0.5 * singular.max()
    assert hidden.square().mean().sqrt() == pytest.approx(0.2 * RATE, rel=0.3)
    for name in ("0.weight", "0.bias", "2.bias", "4.weight", "4.bias"):  # the first step of Adam
        assert changes[name].abs().max() == pytest.approx(RATE, rel=1e-2)


def test_what_is_frozen_stays() -> None:
    network = denoiser()
    network[2].requires_grad_(False)

    changes = changes_by_one_step(network, muon())

    assert not changes["2.weight"].any()
    assert changes["0.weight"].any()


def test_a_network_without_such_kernels_is_trained_by_adam() -> None:
    changes = changes_by_one_step(nn.Sequential(nn.Conv2d(3, 3, 3)), muon())

    assert changes["0.weight"].abs().max() == pytest.approx(RATE, rel=1e-2)


def test_it_goes_on_to_the_same_bits(make_stage: Any, file: CheckpointFile) -> None:
    def batch(iteration: int) -> Tensor:
        return torch.rand(1, 3, 10, 10, generator=torch.Generator().manual_seed(iteration))

    def stage(network: nn.Module, fetch: Any = batch) -> Any:
        return make_stage(
            network=network,
            fetch=fetch,
            losses=lambda network, batch: network(batch).square().mean(),
            optimiser="muon",
            iterations=8,
            checkpoint_every=4,
        )

    def interrupted(iteration: int) -> Tensor:
        if iteration == 6:
            raise KeyboardInterrupt
        return batch(iteration)

    through = denoiser()
    train(stage(through), file=CheckpointFile(file.path.with_name("other.pt"), key="key"), listen=ignore)
    halted = denoiser()
    with pytest.raises(KeyboardInterrupt):
        train(stage(halted, interrupted), file=file, listen=ignore)
    again = denoiser()
    train(stage(again), file=file, listen=ignore)

    for name, value in through.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
