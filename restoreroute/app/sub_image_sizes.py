"""Sub-images of the size that a stage of one network, or a phase of it, asks for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from restoreroute.app.steps import BASELINE
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.spec.events import Listener, Notice
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.stages import NetworkStage

PRETRAIN = "pretrain"

Positions = NDArray[np.integer]


def of_side(sub_images: SubImages, chosen: Positions, side: int | None, *, stage: str) -> tuple[SubImages, Positions]:
    """Sub-images of another size around the same places, and which of the chosen ones their images have room for.

    Args:
        sub_images: all of them, at the size of the data.
        chosen: (N,) positions of those to train on.
        side: in degraded pixels; None leaves all as they are.
        stage: as the recipe calls it, for errors.

    Raises:
        InputError: if no image has room for one.
    """
    if side is None:
        return sub_images, chosen
    larger, there = sub_images.around(side)
    positions = chosen[there[chosen]]
    if not len(positions):
        raise InputError(
            f"none of {len(chosen)} sub-images lies in an image of at least {side} x {side} degraded pixels",
            where=f"stages.{stage}",
            hint="use larger images or a smaller sub_image",
        )
    return larger, positions


def check_sizes(plan: RunPlan, sub_images: SubImages, alone: Positions, *, listen: Listener) -> None:
    """Try every size that a stage asks for before anything is trained, and say what is left out.

    Args:
        plan: the run's.
        sub_images: all of them.
        alone: positions of those that networks alone are trained on.
        listen: hears what is left out.

    Raises:
        InputError: if a stage is to be trained on sub-images that no image has room for.
    """
    everything = np.arange(len(sub_images.index))
    tried = set()
    for name, stage, own_class in _network_stages(plan):
        chosen = everything if own_class else alone
        for side in sides_of(stage):
            if (name, side) in tried:
                continue
            tried.add((name, side))
            _, positions = of_side(sub_images, chosen, side, stage=name)
            if left_out := len(chosen) - len(positions):
                what = f"{left_out} of {len(chosen)} sub-images"
                listen(Notice(text=f"stages.{name} leaves out {what}: their images are smaller than {side} x {side}"))


def sides_of(stage: NetworkStage) -> tuple[int, ...]:
    """The sizes that parts of a stage ask for where they are not those of the data."""
    return tuple(part.sub_image for part in stage.parts() if part.sub_image is not None)


def _network_stages(plan: RunPlan) -> Iterator[tuple[str, NetworkStage, bool]]:
    """Name and options of the stage of each network, and whether it is trained on its difficulty class only."""
    yield BASELINE, plan.stages.baseline, False
    if plan.difficulty is None:
        return
    pretrain = plan.stages.pretrain
    for number, branch in enumerate(plan.branches):
        if branch.family.learns:
            yield PRETRAIN, pretrain.of_branch(number), pretrain.own_class
