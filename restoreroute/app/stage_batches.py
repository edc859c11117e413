"""The batches of each stage of a run, decided by the run's seed and the stage's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restoreroute.app.keys import seed_for
from restoreroute.app.sub_image_sizes import of_side
from restoreroute.data.sub_images import Augmentation, Batch, SubImages, batches
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.stages import NetworkStage

Fetch = Callable[[int], Batch]
"""The batch of an iteration, counted from 0."""


@dataclass(frozen=True, kw_only=True)
class StageBatches:
    """Draws batches for the stages of one run.

    Attributes:
        plan: the run's; gives seed and augmentation.
    """

    plan: RunPlan

    def of(self, name: str, batch: int, sub_images: SubImages, chosen: NDArray[np.integer]) -> Fetch:
        """Batches of some of the sub-images.

        Args:
            name: of the stage or step, whose randomness is its own.
            batch: sub-images in a batch.
            sub_images: where they are cut from.
            chosen: (N,) positions to draw from.
        """
        data = self.plan.data
        augmentation = Augmentation(turn=data.augment, shuffle_colours=data.shuffle_colours)
        seed = seed_for(self.plan, name)
        return batches(sub_images, chosen=chosen, batch=batch, seed=seed, augmentation=augmentation)

    def of_parts(
        self, name: str, options: NetworkStage, sub_images: SubImages, chosen: NDArray[np.integer]
    ) -> list[Fetch]:
        """The batches of each part of a network's stage; those of the first part do not depend on the others.

        Raises:
            InputError: if a part asks for sub-images that no image has room for.
        """
        fetches = []
        for number, part in enumerate(options.parts()):
            cut, positions = of_side(sub_images, chosen, part.sub_image, stage=name.partition("_")[0])
            fetches.append(self.of(name if not number else f"{name}, phase {number}", part.batch, cut, positions))
        return fetches
