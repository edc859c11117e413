"""What each stage trains, and what it leaves alone to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restoreroute.data.sub_images import Batch
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.losses import RoutingLoss, average_loss, class_loss, image_loss
from restoreroute.routing.router import Router
from restoreroute.spec.events import ignore
from restoreroute.spec.stages import NetworkStage
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import Stage, train
from restoreroute.training.pool import PooledBatch, fill_pool
from restoreroute.training.stages import class_module_stage, joint_stage, network_stage

CPU = torch.device("cpu")
LOSS = RoutingLoss(image=100.0, class_=1.0, average=6.0)
OPTIONS = NetworkStage(iterations=3, batch=4, lr=0.01)


class Branch(nn.Module):
    """x2, with statistics of its own: what freezing has to reach beyond parameters."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.Conv2d(width, 12, 1))

    def forward(self, degraded: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(self.layers(degraded), 2)


def batch_of(iteration: int) -> Batch:
    generator = torch.Generator().manual_seed(iteration)
    return Batch(
        degraded=torch.rand(4, 3, 8, 8, generator=generator), clean=torch.rand(4, 3, 16, 16, generator=generator)
    )


@pytest.fixture
def router() -> Router:
    torch.manual_seed(0)
    return Router(
        class_module=ClassModule(channels=3, branches=3, width=8),
        branches=BranchBank([Branch(width) for width in (4, 6, 8)], scale=2),
    )


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def changed(network: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def make(kind: Any, router: Router, *, fetch: Any = batch_of, loss: RoutingLoss = LOSS) -> Stage[Batch]:
    def validate() -> dict[str, float]:
        router.branches.mixture(batch_of(0).degraded, router.probability(batch_of(0).degraded))
        return {"psnr": 1.0}

    return kind("stage", router, options=OPTIONS, loss=loss, fetch=fetch, validate=validate, device=CPU)


def test_the_class_module_stage_leaves_branches_and_their_statistics_alone(router: Router, tmp_path: Path) -> None:
    before = state(router)

    train(make(class_module_stage, router), file=CheckpointFile(tmp_path / "a.pt", key="k"), listen=ignore)

    moved = changed(router, before)
    assert moved == {name for name, _ in router.named_parameters() if name.startswith("class_module.")}
    assert "branches.0.layers.1.num_batches_tracked" in before


def test_the_joint_stage_changes_everything(router: Router, tmp_path: Path) -> None:
    train(make(class_module_stage, router), file=CheckpointFile(tmp_path / "a.pt", key="k"), listen=ignore)
    before = state(router)

    train(make(joint_stage, router), file=CheckpointFile(tmp_path / "b.pt", key="k"), listen=ignore)

    # A bias before BatchNorm gets a gradient of rounding errors only, which may be 0.
    assert before.keys() - changed(router, before) <= {f"branches.{index}.layers.0.bias" for index in range(3)}


def test_a_network_stage_trains_all_of_one_network(tmp_path: Path) -> None:
    network = Branch(4).eval().requires_grad_(False)
    before = state(network)
    stage = network_stage(
        "one", network, options=OPTIONS, fetches=[batch_of], validate=lambda: {"psnr": 1.0}, device=CPU
    )
    expected = image_loss(network(batch_of(0).degraded), batch_of(0).clean)

    losses = stage.parts[0].losses(batch_of(0))
    train(stage, file=CheckpointFile(tmp_path / "a.pt", key="k"), listen=ignore)

    assert losses.probability is None
    assert losses.terms["total"] is losses.terms["image"]
    torch.testing.assert_close(losses.terms["total"].detach(), expected)
    assert before.keys() - changed(network, before) <= {"layers.0.bias"}


def test_a_network_may_minimise_the_squared_error() -> None:
    network, options = Branch(4), OPTIONS.model_copy(update={"loss": "mse"})
    stage = network_stage("one", network, options=options, fetches=[batch_of], validate=dict, device=CPU)

    total = stage.parts[0].losses(batch_of(0)).terms["total"]

    difference = network(batch_of(0).degraded) - batch_of(0).clean
    torch.testing.assert_close(total, difference.square().mean())


@pytest.mark.parametrize("kind", [class_module_stage, joint_stage])
@pytest.mark.parametrize("shares", [None, (0.5, 0.3, 0.2)])
def test_the_three_losses_act(kind: Any, shares: tuple[float, ...] | None, router: Router) -> None:
    loss = RoutingLoss(image=100.0, class_=2.0, average=6.0, target_shares=shares)
    stage = make(kind, router, loss=loss)
    batch = batch_of(0)

    found = stage.parts[0].losses(batch)

    probability = router.probability(batch.degraded)
    mixture = sum(
        branch(batch.degraded) * probability[:, index, None, None, None] for index, branch in enumerate(router.branches)
    )
    target = None if shares is None else torch.tensor(shares)
    expected = {
        "image": image_loss(mixture, batch.clean),
        "class": class_loss(probability),
        "average": average_loss(probability, target),
    }
    expected["total"] = 100 * expected["image"] + 2 * expected["class"] + 6 * expected["average"]
    assert found.terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found.terms[name], value)
    assert found.probability is not None
    torch.testing.assert_close(found.probability, probability)


def test_target_shares_change_the_average_loss(router: Router) -> None:
    uniform = make(joint_stage, router).parts[0].losses(batch_of(0)).terms["average"]
    aimed = RoutingLoss(image=100.0, class_=1.0, average=6.0, target_shares=(0.8, 0.1, 0.1))

    assert make(joint_stage, router, loss=aimed).parts[0].losses(batch_of(0)).terms["average"] > uniform + 0.1


def test_pooled_losses_are_those_of_the_branches(router: Router) -> None:
    """A pool may not change what is learnt, but for the rounding of half precision."""
    stage = make(class_module_stage, router)
    pool = fill_pool(router.branches, batch_of, chunks=3, device=CPU, progress=lambda done, total: None)
    fetch = pool.batches(batch=5, seed=1)
    seen = []

    for iteration in range(2):
        pooled = fetch(iteration)
        assert isinstance(pooled, PooledBatch)
        through_pool = stage.parts[0].losses(pooled).terms
        through_branches = stage.parts[0].losses(Batch(degraded=pooled.degraded, clean=pooled.clean)).terms
        for name in ("total", "image", "class", "average"):
            torch.testing.assert_close(through_pool[name], through_branches[name], rtol=2e-3, atol=2e-3)
        seen += [tuple(sub_image.flatten().tolist()) for sub_image in pooled.degraded]

    assert len(set(seen)) == 10, "no sub-image comes again before all have come"


def test_a_pool_holds_half_precision_and_says_how_far_it_is(router: Router) -> None:
    router.eval()
    progress: list[tuple[int, int]] = []

    pool = fill_pool(
        router.branches, batch_of, chunks=2, device=CPU, progress=lambda done, total: progress.append((done, total))
    )

    assert progress == [(1, 2), (2, 2)]
    assert pool.degraded.shape == (8, 3, 8, 8)
    assert {tensor.dtype for tensor in (pool.clean, *pool.outputs)} == {torch.float16}
    assert [tuple(output.shape) for output in pool.outputs] == [(8, 3, 16, 16)] * 3
    assert not any(output.requires_grad for output in pool.outputs)
    torch.testing.assert_close(pool.outputs[1][4:].float(), router.branches[1](batch_of(1).degraded), rtol=0, atol=2e-3)


def test_pooled_batches_are_a_function_of_the_iteration(router: Router) -> None:
    pool = fill_pool(router.branches, batch_of, chunks=2, device=CPU, progress=lambda done, total: None)
    first, again = pool.batches(batch=4, seed=3), pool.batches(batch=4, seed=3)

    assert torch.equal(first(5).degraded, again(5).degraded)
    assert not np.array_equal(first(5).degraded, pool.batches(batch=4, seed=4)(5).degraded)
