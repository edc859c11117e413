"""The stages of ClassSR: in each, what is trainable, what is frozen, and which losses act (paper section 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from restoreroute.data.sub_images import Batch
from restoreroute.routing.branches import mix
from restoreroute.routing.losses import RoutingLoss
from restoreroute.routing.router import Router
from restoreroute.spec.stages import NetworkStage, StageOptions
from restoreroute.training.image_losses import ImageLoss
from restoreroute.training.loop import Part, Stage
from restoreroute.training.pool import PooledBatch
from restoreroute.training.precision import forward_precision
from restoreroute.training.updates import StepLosses, is_recorded

BatchT = TypeVar("BatchT", bound=Batch)
Validate = Callable[[], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A trained network whose output another one learns to give.

    Attributes:
        share: of the loss that compares with this output; the rest compares with the clean sub-image.
    """

    network: nn.Module
    share: float


def network_stage(
    name: str,
    network: nn.Module,
    *,
    options: NetworkStage,
    fetches: Sequence[Callable[[int], Batch]],
    validate: Validate,
    device: torch.device,
    ahead: int = 2,
    teacher: Teacher | None = None,
) -> Stage[Batch]:
    """One network alone: the baseline, or a branch in pre-training.

    With a teacher, the main loss against its output takes its share from the whole loss against the clean sub-images.

    Args:
        name: shown in reports and errors.
        network: what is trained.
        options: of the stage.
        fetches: the batches of each part of the stage.
        validate: figures on validation images.
        device: where the network is.
        ahead: batches that are made while one is used.
        teacher: whose output is learnt beside the clean sub-image, if any.
    """
    network.train().requires_grad_(True)
    parts = [
        Part(
            options=part,
            fetch=_on(device, fetch),
            losses=_network_losses(network, part, device, teacher),
            ahead=ahead,
        )
        for part, fetch in zip(options.parts(), fetches, strict=True)
    ]
    return Stage(
        name=name,
        options=options,
        network=network,
        parts=parts,
        validate=validate,
        recorded=is_recorded(options, device),
    )


def _network_losses(
    network: nn.Module, options: NetworkStage, device: torch.device, teacher: Teacher | None
) -> Callable[[Batch], StepLosses]:
    """The losses of a network alone in one part of its stage."""
    loss = ImageLoss.from_options(options)

    def losses(batch: Batch) -> StepLosses:
        with forward_precision(device, options):
            restored = network(batch.degraded)
        restored = restored.float()
        terms = loss(restored, batch.clean)
        if teacher is None:
            return StepLosses(terms=terms)
        with torch.no_grad(), forward_precision(device, options):
            taught = teacher.network(batch.degraded)
        distilled = loss.main(restored, taught.float())
        total = torch.lerp(terms["total"], distilled, teacher.share)
        return StepLosses(terms=terms | {"total": total, "distilled": distilled})

    return losses


def class_module_stage(
    name: str,
    router: Router,
    *,
    options: StageOptions,
    loss: RoutingLoss,
    fetch: Callable[[int], Batch],
    validate: Validate,
    device: torch.device,
    ahead: int = 2,
) -> Stage[Batch]:
    """The Class-Module under all three losses, every branch frozen.

    Batches may be :class:`PooledBatch`, whose branch outputs were made before; else the branches run.
    """
    _freeze(router.branches)
    router.class_module.train().requires_grad_(True)

    def losses(batch: Batch) -> StepLosses:
        with forward_precision(device, options):
            probability = router.probability(batch.degraded)
            if isinstance(batch, PooledBatch):
                mixture = mix(batch.outputs, probability)
            else:
                mixture = router.branches.mixture(batch.degraded, probability)
        return _routing_losses(loss, batch, mixture, probability)

    part = Part(options=options, fetch=_on(device, fetch), losses=losses, ahead=ahead)
    return Stage(name=name, options=options, network=router.class_module, parts=[part], validate=validate)


def joint_stage(
    name: str,
    router: Router,
    *,
    options: StageOptions,
    loss: RoutingLoss,
    fetch: Callable[[int], Batch],
    validate: Validate,
    device: torch.device,
    ahead: int = 2,
) -> Stage[Batch]:
    """Class-Module and branches together under all three losses."""
    router.train().requires_grad_(True)

    def losses(batch: Batch) -> StepLosses:
        with forward_precision(device, options):
            mixture, probability = router(batch.degraded)
        return _routing_losses(loss, batch, mixture, probability)

    part = Part(options=options, fetch=_on(device, fetch), losses=losses, ahead=ahead)
    return Stage(name=name, options=options, network=router, parts=[part], validate=validate)


def _routing_losses(loss: RoutingLoss, batch: Batch, mixture: Tensor, probability: Tensor) -> StepLosses:
    """All three losses, in float32 whatever the networks ran in."""
    probability = probability.float()
    terms = loss(mixture=mixture.float(), clean=batch.clean, probability=probability)
    return StepLosses(terms=terms, probability=probability)


def _freeze(network: nn.Module) -> None:
    """No gradients, and no statistics of normalisation layers either."""
    network.eval().requires_grad_(False)


def _on(device: torch.device, fetch: Callable[[int], BatchT]) -> Callable[[int], BatchT]:
    return lambda iteration: fetch(iteration).to(device)
