"""What training starts from: images, sub-images, and how hard each of them is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from restoreroute.app.keys import digest, offer_facts, seed_for
from restoreroute.app.references import RunReferences
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import DATA, DIFFICULTY, reported
from restoreroute.data.pairs import Pair, fingerprint
from restoreroute.data.patch_index import PatchIndex, index_sub_images
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.evaluation.validation import Validator
from restoreroute.imaging.atomic import write_atomically
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.spec.events import Listener, Notice, StepReused, WorkProgress
from restoreroute.spec.plan import RunPlan, SourcePlan

SCORING_BATCH = 96


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """Clean images of each split."""

    train: Sequence[Path]
    validation: Sequence[Path]
    test: Sequence[Path]

    @classmethod
    def of(cls, plan: RunPlan) -> SplitFiles:
        """List the images of a plan's sources.

        Raises:
            InputError: where a source has none.
        """

        def files(source: SourcePlan) -> Sequence[Path]:
            return source.offer.build(source.options)

        data = plan.data
        return cls(train=files(data.train), validation=files(data.validation), test=files(data.test))


def data_key(plan: RunPlan, files: SplitFiles) -> str:
    """What the sub-images depend on."""
    task, data = plan.task, plan.data
    return digest(
        offer_facts(plan, task.offer.kind, task.offer.name, task.options),
        fingerprint(files.train),
        [data.sub_image, data.step, data.clean_scales, data.augment],
    )


def prepare_data(
    plan: RunPlan, files: SplitFiles, folder: RunFolder, *, device: torch.device, listen: Listener
) -> tuple[SubImages, Validator]:
    """Read and degrade all training and validation images, and index the sub-images.

    Raises:
        InputError: for a file that is no image, or if no image holds a sub-image.
    """
    data, bound = plan.data, plan.task.bound
    with reported(listen, DATA) as finish:
        cache = folder.pair_cache(plan)
        pairs = cache.load(files.train, clean_scales=data.clean_scales, listen=listen, step=DATA)
        held_out = cache.load(files.validation, clean_scales=(1.0,), listen=listen, step=DATA)
        sizes = [pair.degraded_size(bound.scale) for pair in pairs]
        index = index_sub_images(sizes, side=data.sub_image, step=data.step)
        _mention_small(plan, pairs, sizes, listen)
        _mention_shared(files, listen)
        validator = Validator(
            held_out, bound, patch=plan.evaluation.patch, stride=plan.evaluation.stride, device=device
        )
        finish(f"{len(index)} sub-images of {len(files.train)} photos")
    return SubImages(pairs=pairs, index=index, task=bound), validator


def split_by_difficulty(
    plan: RunPlan,
    sub_images: SubImages,
    folder: RunFolder,
    *,
    catalogue: Catalogue,
    baseline: nn.Module | None,
    data_key: str,
    baseline_key: str,
    device: torch.device,
    listen: Listener,
) -> tuple[SubImages, str]:
    """Score every sub-image and split them into one class per branch.

    Returns:
        The same sub-images with scores and classes, and the key of what the split depends on.
    """
    offer, options = plan.difficulty.offer, plan.difficulty.options
    references = RunReferences(plan.task.bound, catalogue, baseline, device)
    score = offer.build(options, references)
    key = digest(
        data_key,
        offer_facts(plan, offer.kind, offer.name, options),
        baseline_key if references.uses_baseline else None,
        fingerprint(references.files),
        *([seed_for(plan, DIFFICULTY)] if plan.task.bound.random else []),
    )
    index, branches = sub_images.index, len(plan.branches)
    if len(index) < branches:
        raise InputError(
            f"{len(index)} sub-images can't be split into {branches} classes",
            where="data",
            hint="use more or larger images, or a smaller data.step",
        )
    scores = _load_scores(folder.scores, key)
    if scores is not None:
        listen(StepReused(step=DIFFICULTY))
    else:
        with reported(listen, DIFFICULTY, offer.name) as finish:
            parts: list[NDArray[np.float64]] = []
            for start in range(0, len(index), SCORING_BATCH):
                positions = np.arange(start, min(start + SCORING_BATCH, len(index)))
                generator = np.random.default_rng([seed_for(plan, DIFFICULTY), start])
                parts.append(score(*sub_images.read(positions, generator)))
                listen(WorkProgress(step=DIFFICULTY, done=int(positions[-1]) + 1, total=len(index)))
            scores = np.concatenate(parts)
            _save_scores(folder.scores, key, scores)
            finish(_class_edges(index.split(scores, branches), branches))
    split = SubImages(pairs=sub_images.pairs, index=index.split(scores, branches), task=sub_images.task)
    return split, digest(key, branches)


def _class_edges(index: PatchIndex, branches: int) -> str:
    """Scores at which one class ends and the next begins."""
    edges = [index.score[index.of_class(class_)].min() for class_ in range(1, branches) if len(index.of_class(class_))]
    return "classes split at scores " + ", ".join(f"{edge:.1f}" for edge in edges)


def _mention_small(
    plan: RunPlan, pairs: Sequence[Pair], sizes: Sequence[tuple[int, int]], listen: Listener, most: int = 3
) -> None:
    side = plan.data.sub_image
    small = sorted({pair.file.name for pair, size in zip(pairs, sizes, strict=True) if min(size) < side})
    if small:
        rest = f" and {len(small) - most} more" if len(small) > most else ""
        pixels = side * plan.task.bound.scale
        names = ", ".join(small[:most]) + rest
        listen(Notice(text=f"left out, smaller than one sub-image of {pixels} x {pixels}: {names}"))


def _mention_shared(files: SplitFiles, listen: Listener) -> None:
    trained_on = {file.resolve() for file in files.train}
    for split, others in (("validation", files.validation), ("test", files.test)):
        shared = sum(file.resolve() in trained_on for file in others)
        if shared:
            listen(Notice(text=f"{shared} of {len(others)} {split} images are trained on too: their figures flatter"))


def _save_scores(path: Path, key: str, scores: NDArray[np.float64]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), scores=scores)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _load_scores(path: Path, key: str) -> NDArray[np.float64] | None:
    """Scores saved under the same key; None where they are missing, damaged or of another key."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            if str(content["key"]) != key:
                return None
            scores: NDArray[np.float64] = content["scores"]
            return scores
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
