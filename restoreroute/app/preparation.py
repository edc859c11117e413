"""What training starts from: images and sub-images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from restoreroute.app.keys import digest, offer_facts
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import DATA, reported
from restoreroute.data.pairs import Pair, fingerprint
from restoreroute.data.patch_index import index_sub_images
from restoreroute.data.sub_images import SubImages, resident
from restoreroute.errors import PluginError
from restoreroute.evaluation.validation import Validator
from restoreroute.inference.memory import free_memory
from restoreroute.spec.events import Listener, Notice
from restoreroute.spec.plan import RunPlan, SourcePlan
from restoreroute.spec.source import ImagePair, SourceImage, files_of


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """Images of each split: clean ones, or pairs."""

    train: Sequence[SourceImage]
    validation: Sequence[SourceImage]
    test: Sequence[SourceImage]

    @classmethod
    def of(cls, plan: RunPlan) -> SplitFiles:
        """List the images of a plan's sources.

        Raises:
            InputError: where a source has none.
            PluginError: where a source gives pairs and does not say so, or says so and does not.
        """
        data = plan.data
        return cls(train=_images(data.train), validation=_images(data.validation), test=_images(data.test))


def _images(source: SourcePlan) -> Sequence[SourceImage]:
    images = source.offer.build(source.options)
    for image in images:
        if isinstance(image, ImagePair) is not source.offer.paired:
            said = "pairs" if source.offer.paired else "files of clean images"
            raise PluginError(
                f"is declared to give {said}, and gives {image!r}",
                where=f"{source.offer.kind} {source.offer.name}",
                hint="report it to its author: 'paired' has to say what 'build' gives",
            )
    return images


def data_key(plan: RunPlan, files: SplitFiles) -> str:
    """What the sub-images depend on."""
    task, data = plan.task, plan.data
    return digest(
        offer_facts(plan, task.offer.kind, task.offer.name, task.options),
        fingerprint(files.train),
        [data.sub_image, data.step, data.clean_scales, data.augment, data.shuffle_colours],
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
        validator = Validator(held_out, bound, patch=plan.routing.patch, stride=plan.routing.stride, device=device)
        finish(f"{len(index)} sub-images of {len(files.train)} photos")
        sub_images = resident(pairs, index, bound, device=device, memory=_memory_for_images(device))
        if sub_images is None:
            sub_images = SubImages.of(pairs, index, bound)
            listen(Notice(text=f"the images do not fit into the memory of {device}: sub-images are read from the disk"))
    return sub_images, validator


def _memory_for_images(device: torch.device) -> int | None:
    """Bytes that images may take: half of what is free, as networks and batches need memory too."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory()
    return None if free is None else free // 2


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
    trained_on = {files_of(image)[0].resolve() for image in files.train}
    for split, others in (("validation", files.validation), ("test", files.test)):
        shared = sum(files_of(image)[0].resolve() in trained_on for image in others)
        if shared:
            listen(Notice(text=f"{shared} of {len(others)} {split} images are trained on too: their figures flatter"))
