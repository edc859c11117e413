"""Which sub-images networks alone are trained on: neither the hopeless ones nor those that teach nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from restoreroute.app.keys import digest
from restoreroute.app.references import RunReferences
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.scoring import Scorer
from restoreroute.app.steps import HARDNESS
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.spec.events import Listener
from restoreroute.spec.plan import RunPlan


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Sub-images to train networks alone on.

    Attributes:
        positions: in the index, rising.
        key: what the choice depends on; None if all are chosen.
    """

    positions: NDArray[np.int64]
    key: str | None


def choose_by_hardness(
    plan: RunPlan,
    sub_images: SubImages,
    folder: RunFolder,
    *,
    catalogue: Catalogue,
    data_key: str,
    device: torch.device,
    listen: Listener,
) -> Choice:
    """Rank all sub-images, hardest first, and keep those between the two shares that the plan says.

    Raises:
        InputError: if the estimator needs this run's baseline, which is trained on what is kept; or if none is kept.
    """
    hardness = plan.data.hardness
    if hardness is None:
        return Choice(positions=np.arange(len(sub_images.index)), key=None)
    scorer = Scorer.of(
        plan,
        HARDNESS,
        hardness.offer,
        hardness.options,
        references=RunReferences(plan.task.bound, catalogue, None, device, where="data.hardness"),
        data_key=data_key,
        baseline_key=None,
    )
    positions = kept_by_rank(scorer.scores(sub_images, folder.hardness, listen=listen), hardness.keep)
    if not len(positions):
        raise InputError(
            f"keeps none of {len(sub_images.index)} sub-images",
            where="data.hardness",
            hint="move its two shares apart, or use more images",
        )
    return Choice(positions=positions, key=digest(scorer.key, list(hardness.keep)))


def kept_by_rank(scores: NDArray[np.float64], keep: tuple[float, float]) -> NDArray[np.int64]:
    """Positions, rising, of scores whose rank among all, hardest first, lies between two shares.

    Args:
        scores: (N,) difficulty, higher is harder.
        keep: shares in [0, 1] of the N, counted from the hardest; of equal scores the first is the harder one.
    """
    first, last = (round(share * len(scores)) for share in keep)
    return np.sort(np.argsort(-scores, kind="stable")[first:last])
