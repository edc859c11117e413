"""The three losses: laws, and a slow reference for every number of branches.  Golden values are in tests/golden."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from restoreroute.routing.losses import RoutingLoss, average_loss, class_loss, image_loss
from restoreroute.spec.stages import LossOptions

BRANCHES = range(2, 7)
BATCHES = [1, 2, 7, 96]


def draw(batch: int, branches: int) -> Tensor:
    generator = torch.Generator().manual_seed(100 * batch + branches)
    return (3 * torch.randn(batch, branches, generator=generator, dtype=torch.float64)).softmax(dim=1)


def slow_class_loss(rows: list[list[float]]) -> float:
    branches = len(rows[0])
    total = 0.0
    for row in rows:
        distances = sum(abs(row[i] - row[j]) for i in range(branches) for j in range(i + 1, branches))
        total += (branches - 1) - distances
    return total / len(rows)


def slow_average_loss(rows: list[list[float]], target: list[float]) -> float:
    deviation = sum(abs(sum(row[i] for row in rows) - len(rows) * share) for i, share in enumerate(target))
    return deviation / (2 * len(rows) * (1 - min(target)))


@pytest.mark.parametrize("branches", BRANCHES)
@pytest.mark.parametrize("batch", BATCHES)
def test_equal_the_slow_reference(batch: int, branches: int) -> None:
    probability = draw(batch, branches)
    rows = probability.tolist()
    assert class_loss(probability).item() == pytest.approx(slow_class_loss(rows), abs=1e-12)
    uniform = [1 / branches] * branches
    assert average_loss(probability).item() == pytest.approx(slow_average_loss(rows, uniform), abs=1e-12)
    steps = [index + 1 for index in range(branches)]
    target = [step / sum(steps) for step in steps]
    got = average_loss(probability, torch.tensor(target, dtype=torch.float64)).item()
    assert got == pytest.approx(slow_average_loss(rows, target), abs=1e-12)


@pytest.mark.parametrize("branches", BRANCHES)
@pytest.mark.parametrize("batch", BATCHES)
def test_class_loss_lies_between_certain_and_uniform(batch: int, branches: int) -> None:
    certain = torch.eye(branches)[torch.arange(batch) % branches]
    uniform = torch.full((batch, branches), 1 / branches)
    assert class_loss(certain).item() == pytest.approx(0, abs=1e-6)
    assert class_loss(uniform).item() == pytest.approx(branches - 1, abs=1e-6)
    assert 0 <= class_loss(draw(batch, branches)).item() <= branches - 1


@pytest.mark.parametrize("branches", BRANCHES)
def test_average_loss_lies_between_even_use_and_one_branch_for_all(branches: int) -> None:
    even = torch.eye(branches).repeat(3, 1)
    assert average_loss(even).item() == pytest.approx(0, abs=1e-6)
    for branch in range(branches):
        everything = torch.eye(branches)[[branch] * 5]
        assert average_loss(everything).item() == pytest.approx(1, abs=1e-6)
    for batch in BATCHES:
        assert 0 <= average_loss(draw(batch, branches)).item() <= 1


def test_average_loss_aims_at_other_shares() -> None:
    target = torch.tensor([0.5, 0.25, 0.25])
    reached = torch.eye(3)[[0, 0, 1, 2]]
    assert average_loss(reached, target).item() == pytest.approx(0, abs=1e-7)
    assert average_loss(reached).item() > 0.1
    uneven = torch.tensor([0.7, 0.2, 0.1])
    worst = [average_loss(torch.eye(3)[[branch] * 4], uneven).item() for branch in range(3)]
    assert worst[2] == pytest.approx(1, abs=1e-6)
    assert worst == sorted(worst)


def test_losses_are_statistics_of_the_batch_not_of_its_order() -> None:
    probability = draw(7, 3)
    assert average_loss(probability.flip(0)).item() == pytest.approx(average_loss(probability).item(), abs=1e-12)
    # the Average-Loss of a batch is not the mean over its halves: it has to see the global batch
    halves = torch.eye(2, dtype=torch.float64)
    assert average_loss(halves).item() == pytest.approx(0)
    assert average_loss(halves[:1]).item() == pytest.approx(1)


@pytest.mark.parametrize("loss", [class_loss, average_loss])
def test_gradients_reach_the_logits(loss: Callable[[Tensor], Tensor]) -> None:
    logits = torch.tensor([[0.3, 0.1, -0.2], [0.5, -1.0, 0.0]], requires_grad=True)
    loss(logits.softmax(dim=1)).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad.abs().sum(dim=1) > 0).all()


def test_gradients_lead_to_decided_and_to_even_use() -> None:
    logits = torch.tensor([[0.2, 0.0, -0.1]], requires_grad=True)
    class_loss(logits.softmax(dim=1)).backward()
    assert logits.grad is not None
    assert logits.grad.argmin() == 0  # a step downhill raises the most probable branch further
    logits = torch.tensor([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]], requires_grad=True)
    average_loss(logits.softmax(dim=1)).backward()
    assert logits.grad is not None
    assert (logits.grad[:, 0] > 0).all()  # and here it lowers the branch that all go to


def test_image_loss_is_the_mean_absolute_difference() -> None:
    restored = torch.tensor([0.0, 0.5, 1.0, 0.25]).reshape(1, 1, 2, 2)
    assert image_loss(restored, torch.zeros(1, 1, 2, 2)).item() == pytest.approx(1.75 / 4)


def test_the_weighted_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    mixture, clean = torch.rand(2, 4, 3, 5, 5, generator=generator)
    probability = draw(4, 3).float()
    loss = RoutingLoss.from_options(LossOptions(image=7.0, average=2.0, target_shares=(0.5, 0.3, 0.2)))
    terms = loss(mixture=mixture, clean=clean, probability=probability)
    assert set(terms) == {"total", "image", "class", "average"}
    assert terms["image"].item() == pytest.approx(image_loss(mixture, clean).item())
    assert terms["class"].item() == pytest.approx(class_loss(probability).item())
    expected = average_loss(probability, torch.tensor([0.5, 0.3, 0.2]))
    assert terms["average"].item() == pytest.approx(expected.item())
    total = 7 * terms["image"] + terms["class"] + 2 * terms["average"]
    assert terms["total"].item() == pytest.approx(total.item())


def test_the_papers_weights_are_the_defaults() -> None:
    loss = RoutingLoss.from_options(LossOptions())
    assert (loss.image, loss.class_, loss.average, loss.target_shares) == (2000, 1, 6, None)
