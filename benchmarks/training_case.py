"""What the speed of training is measured on: a stage of a recipe, and its networks by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import nn

from restoreroute.app.preparation import SplitFiles
from restoreroute.data.pairs import PairCache
from restoreroute.data.patch_index import index_sub_images
from restoreroute.data.sub_images import Augmentation, Batch, SubImages, batches, resident
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.losses import RoutingLoss
from restoreroute.routing.model_file import build_class_module, build_network
from restoreroute.routing.router import Router
from restoreroute.spec.events import ignore
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.stages import NetworkStage, StageOptions
from restoreroute.training.loop import Stage
from restoreroute.training.stages import joint_stage, network_stage

Fetch = Callable[[int], Batch]
OptionsT = TypeVar("OptionsT", bound=StageOptions)


@dataclass(frozen=True, kw_only=True)
class TrainingCase(Generic[OptionsT]):
    """A stage on images in memory.

    Attributes:
        name: what is trained, for the heading.
        networks: whose forward and backward passes are the least that training takes.
        options: of the stage, as the recipe has them.
        fetch: the batch of an iteration, cut and varied as in a run.
        stage: makes the stage with other options and another way to its batches.
        device: where the networks are.
    """

    name: str
    networks: list[nn.Module]
    options: OptionsT
    fetch: Fetch
    stage: Callable[[OptionsT, Fetch], Stage[Batch]]
    device: torch.device


def network_case(plan: RunPlan, folder: Path, device: torch.device) -> TrainingCase[NetworkStage]:
    """The last branch of a recipe alone, in stage ``baseline``."""
    branch, options = plan.branches[-1], plan.stages.baseline
    network = build_network(branch, plan.task, seed=0).to(device)
    sub_images = images_in_memory(plan, folder, device)

    def stage(options: NetworkStage, fetch: Fetch) -> Stage[Batch]:
        return network_stage(
            "baseline",
            network,
            options=options,
            fetches=[fetch],
            validate=dict,
            device=device,
            ahead=sub_images.ahead,
        )

    return TrainingCase(
        name=branch.name,
        networks=[network],
        options=options,
        fetch=varied_batches(plan, sub_images, options),
        stage=stage,
        device=device,
    )


def joint_case(plan: RunPlan, folder: Path, device: torch.device) -> TrainingCase[StageOptions]:
    """All branches of a recipe with their Class-Module, in stage ``joint``."""
    bound, options = plan.task.bound, plan.stages.joint
    networks = [build_network(branch, plan.task, seed=0) for branch in plan.branches]
    module = build_class_module(plan.class_module, channels=bound.channels, branches=len(networks), seed=0)
    router = Router(class_module=module, branches=BranchBank(networks, scale=bound.scale)).to(device)
    sub_images = images_in_memory(plan, folder, device)

    def stage(options: StageOptions, fetch: Fetch) -> Stage[Batch]:
        return joint_stage(
            "joint",
            router,
            options=options,
            loss=RoutingLoss.from_options(plan.losses),
            fetch=fetch,
            validate=dict,
            device=device,
            ahead=sub_images.ahead,
        )

    return TrainingCase(
        name=f"joint stage of {', '.join(branch.name for branch in plan.branches)}",
        networks=networks,
        options=options,
        fetch=varied_batches(plan, sub_images, options),
        stage=stage,
        device=device,
    )


def images_in_memory(plan: RunPlan, folder: Path, device: torch.device) -> SubImages:
    """The training images of a recipe, held as a run holds them where they fit."""
    data, bound = plan.data, plan.task.bound
    cache = PairCache(folder / "pairs", plan.task)
    pairs = cache.load(SplitFiles.of(plan).train, clean_scales=data.clean_scales, listen=ignore, step="data")
    index = index_sub_images([pair.degraded_size(bound.scale) for pair in pairs], side=data.sub_image, step=data.step)
    sub_images = resident(pairs, index, bound, device=device, memory=None)
    assert sub_images is not None, "without a limit everything fits"
    return sub_images


def varied_batches(plan: RunPlan, sub_images: SubImages, options: StageOptions) -> Fetch:
    """Batches over all sub-images."""
    return batches(
        sub_images,
        chosen=np.arange(len(sub_images.index)),
        batch=options.batch,
        seed=0,
        augmentation=Augmentation(turn=plan.data.augment, shuffle_colours=plan.data.shuffle_colours),
    )
