"""How much faster the joint stage trains than a loop over single samples.

    python benchmarks/joint_stage_speed.py [ROUNDS]

One update at batch 96 on 32 x 32 sub-images, three FSRCNN branches (16, 36, 56) and a Class-Module of width 32:
forward and backward pass, no optimiser.  ``project`` takes the losses of
:func:`restoreroute.training.stages.joint_stage` on networks in channels_last, as the project trains.  ``per sample``
does what the authors' code does: networks in torch's default memory format, every sample through all branches one at
a time, the mixture appended to a growing tensor, losses in loops.  Both run in turn in one process, and come to the
same loss and gradients.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional

from restoreroute.app.plugins import open_catalogue
from restoreroute.data.sub_images import Batch
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.losses import RoutingLoss
from restoreroute.routing.model_file import channels_last
from restoreroute.routing.router import Router
from restoreroute.spec.stages import JointStage
from restoreroute.training.stages import joint_stage

BATCH, SIDE, SCALE = 96, 32, 4
WIDTHS = (16, 36, 56)
LOSS = RoutingLoss(image=1000.0, class_=2.0, average=12.0)


@dataclass(frozen=True)
class Comparison:
    """Seconds of each round."""

    project: list[float]
    per_sample: list[float]

    @property
    def ratio(self) -> float:
        """How many times as long the loop over samples takes, by medians."""
        return median(self.per_sample) / median(self.project)


def make_router() -> Router:
    family = open_catalogue().backbones.get("fsrcnn")
    torch.manual_seed(0)
    networks = [family.build(family.options(), width=width, scale=SCALE, channels=3) for width in WIDTHS]
    router = Router(
        class_module=ClassModule(channels=3, branches=len(WIDTHS), width=32),
        branches=BranchBank(networks, scale=SCALE),
    )
    channels_last(router)
    return router


def make_batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(BATCH, 3, SIDE * SCALE, SIDE * SCALE, generator=generator)
    return Batch(
        degraded=functional.avg_pool2d(clean, SCALE).contiguous(memory_format=torch.channels_last),
        clean=clean.contiguous(memory_format=torch.channels_last),
    )


def per_sample_loss(router: Router, batch: Batch) -> Tensor:
    """The same total loss, sample by sample."""
    rows: list[Tensor] = []
    mixtures = torch.zeros(0, 3, SIDE * SCALE, SIDE * SCALE)
    for position in range(len(batch.degraded)):
        sample = batch.degraded[position : position + 1]
        probability = router.class_module(sample).softmax(dim=1)
        mixture = torch.zeros(1, 3, SIDE * SCALE, SIDE * SCALE)
        for index, branch in enumerate(router.branches):
            mixture = mixture + branch(sample) * probability[0, index]
        rows.append(probability[0])
        mixtures = torch.cat((mixtures, mixture))
    image = functional.l1_loss(mixtures, batch.clean)

    branches = len(WIDTHS)
    undecided = torch.zeros(())
    for row in rows:
        distance = torch.zeros(())
        for first in range(branches):
            for second in range(first + 1, branches):
                distance = distance + (row[first] - row[second]).abs()
        undecided = undecided + (branches - 1) - distance
    uneven = torch.zeros(())
    for index in range(branches):
        use = torch.zeros(())
        for row in rows:
            use = use + row[index]
        uneven = uneven + (use - len(rows) / branches).abs()
    uneven = uneven / (2 * len(rows) * (1 - 1 / branches))
    return LOSS.image * image + LOSS.class_ * undecided / len(rows) + LOSS.average * uneven


def compare(rounds: int) -> Comparison:
    """Both ways in turn, after one round that does not count.

    Raises:
        AssertionError: if the two do not come to the same loss and gradients.
    """
    router, batch = make_router(), make_batch()
    plain = copy.deepcopy(router).to(memory_format=torch.contiguous_format).eval()  # torch's own deconvolution
    plain_batch = Batch(degraded=batch.degraded.contiguous(), clean=batch.clean.contiguous())
    stage = joint_stage(
        "joint",
        router,
        options=JointStage(),
        loss=LOSS,
        fetch=lambda iteration: batch,
        validate=dict,
        device=torch.device("cpu"),
    )
    ways: tuple[Callable[[], Tensor], ...] = (
        lambda: stage.parts[0].losses(batch).terms["total"],
        lambda: per_sample_loss(plain, plain_batch),
    )
    seconds: tuple[list[float], list[float]] = ([], [])
    found = []
    for number in range(rounds + 1):
        for way, network, spent in zip(ways, (router, plain), seconds, strict=True):
            network.zero_grad(set_to_none=True)
            start = time.perf_counter()
            loss = way()
            loss.backward()  # type: ignore[no-untyped-call]
            if number:
                spent.append(time.perf_counter() - start)
            else:
                found.append((loss.detach(), [parameter.grad.clone() for parameter in network.parameters()]))
    (loss, gradients), (other_loss, other_gradients) = found
    torch.testing.assert_close(loss, other_loss, rtol=1e-4, atol=1e-4)
    for one, other in zip(gradients, other_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-2 * one.abs().max().item())
    return Comparison(*seconds)


def main(rounds: int = 5) -> float:
    """Print a table; gives the ratio."""
    comparison = compare(rounds)
    print(f"one update of the joint stage, batch {BATCH}, {torch.get_num_threads()} threads, {rounds} rounds in turn")
    print(f"{'way':12} {'median s':>9} {'fastest s':>10} {'slowest s':>10}")
    for name, seconds in (("project", comparison.project), ("per sample", comparison.per_sample)):
        print(f"{name:12} {median(seconds):9.3f} {min(seconds):10.3f} {max(seconds):10.3f}")
    print(f"ratio of the medians: {comparison.ratio:.2f}")
    return comparison.ratio


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
