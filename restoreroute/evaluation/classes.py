"""Every way to restore on each difficulty class: what branches are worth on the sub-images that they are made for.

Paper table 1 asks this of branches that were pre-trained on their own class.  Test images are cut into sub-images that
do not overlap; each is scored like the training data, put in the class that holds its score there, and restored alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from restoreroute.data.pairs import Pair
from restoreroute.data.patch_index import class_by_edges, index_sub_images
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.evaluation.protocols import PEAK
from restoreroute.evaluation.ways import BASELINE, INTERPOLATION, branch_way
from restoreroute.imaging.color import from_float
from restoreroute.imaging.metrics import psnr
from restoreroute.inference.batches import by_interpolation, by_network
from restoreroute.inference.engine import BATCH_PIXELS
from restoreroute.routing.model_file import Model
from restoreroute.spec.events import Listener, WorkProgress
from restoreroute.spec.results import ClassesResult, ClassesRow
from restoreroute.spec.task import BoundTask

if TYPE_CHECKING:
    from restoreroute.spec.difficulty import Restore, Score

CLASSES = "classes"
"""Name of the protocol."""
CEILING = 100.0
"""dB of a sub-image that is restored exactly: infinite, it would be all that its class's mean says."""


def evaluate_classes(
    model: Model,
    pairs: Sequence[Pair],
    *,
    set_name: str,
    baseline: Model | None,
    sub_image: int,
    estimator: str,
    score: Score,
    edges: Sequence[float],
    seed: int,
    device: torch.device,
    listen: Listener,
) -> ClassesResult:
    """Restore every sub-image in every way and compare with the clean one.

    PSNR is over RGB of 8-bit sub-images, without the task's ``crop_border`` at each side of every one.

    Args:
        set_name: shown with the figures.
        baseline: the full network trained alone, as a model of one branch; its row is left out without it.
        sub_image: side of a sub-image in degraded pixels, and the distance of two.
        estimator: name of what scores them.
        score: scores sub-images as those of training were.
        edges: largest score of each class but the last.
        seed: of random degradations.

    Raises:
        InputError: if no image holds a sub-image.
    """
    task = model.task.bound
    require_sub_images(pairs, task, sub_image)
    ways = _ways(model, baseline, device)
    values: dict[str, list[float]] = defaultdict(list)
    classes: list[NDArray[np.int16]] = []
    step = f"evaluate {CLASSES}"
    for number, pair in enumerate(pairs):
        listen(WorkProgress(step=step, done=number, total=len(pairs)))
        for degraded, clean in _sub_images(pair, task, sub_image, seed):
            classes.append(class_by_edges(score(degraded, clean), edges))
            for way, restore in ways.items():
                values[way] += _psnrs(restore(degraded), clean, crop_border=task.crop_border)
    listen(WorkProgress(step=step, done=len(pairs), total=len(pairs)))
    class_ = np.concatenate(classes)
    numbers = range(len(edges) + 1)
    return ClassesResult(
        set_name=set_name,
        sub_image=sub_image,
        estimator=estimator,
        edges=tuple(edges),
        counts=tuple(int((class_ == number).sum()) for number in numbers),
        rows=tuple(
            ClassesRow(name=way, psnr_rgb=tuple(_mean(np.array(psnrs)[class_ == number]) for number in numbers))
            for way, psnrs in values.items()
        ),
    )


def require_sub_images(pairs: Sequence[Pair], task: BoundTask, side: int) -> None:
    """Refuse a set of images none of which holds a sub-image that can be measured.

    Raises:
        InputError: if there is none.
    """
    if side * task.scale <= 2 * task.crop_border:
        raise InputError(
            f"sub-images of {side} degraded pixels have nothing left inside a border of {task.crop_border}",
            where="data.sub_image",
            hint=f"leave out the protocol {CLASSES!r}",
        )
    if all(min(pair.degraded_size(task.scale)) < side for pair in pairs):
        raise InputError(
            f"no image is as large as one sub-image of {side} x {side} degraded pixels",
            where="data.test",
            hint=f"use larger images, or leave out the protocol {CLASSES!r}",
        )


def _ways(model: Model, baseline: Model | None, device: torch.device) -> dict[str, Restore]:
    """Every way in the order of the result table."""
    ways = {INTERPOLATION: by_interpolation(model.task.bound)}
    if baseline is not None:
        ways[BASELINE] = by_network(baseline.branches[-1], device)
    for plan, network in zip(model.plans, model.branches, strict=True):
        ways[branch_way(plan)] = by_network(network, device)
    return ways


def _sub_images(
    pair: Pair, task: BoundTask, side: int, seed: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Degraded (B, h, w, C) and clean (B, H, W, C) sub-images of an image, which is degraded as a whole."""
    size = pair.degraded_size(task.scale)
    if min(size) < side:
        return
    fixed = replace(pair, degraded=pair.degraded_image(task, seed=seed))
    sub_images = SubImages.of([fixed], index_sub_images([size], side=side, step=side), task)
    most = max(1, BATCH_PIXELS // side**2)
    for start in range(0, len(sub_images.index), most):
        positions = np.arange(start, min(start + most, len(sub_images.index)))
        # nothing is drawn: neither turned nor degraded
        yield sub_images.read(positions, np.random.default_rng(seed)).arrays()


def _psnrs(restored: NDArray[np.float32], clean: NDArray[np.float32], *, crop_border: int) -> list[float]:
    """dB of each of (B, H, W, C) sub-images."""
    images = zip(from_float(restored, np.uint8), from_float(clean, np.uint8), strict=True)
    return [min(psnr(one, other, data_range=PEAK, crop_border=crop_border), CEILING) for one, other in images]


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None
