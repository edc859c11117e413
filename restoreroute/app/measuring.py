"""What measuring a model starts from: the model, its baseline, and the images of a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from restoreroute.app.devices import choose_device
from restoreroute.app.models import find_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.task_options import with_options
from restoreroute.data.pairs import Pair, PairCache
from restoreroute.errors import InputError
from restoreroute.imaging.io import find_images
from restoreroute.imaging.pairing import pair_images
from restoreroute.routing.model_file import Model, load_model
from restoreroute.spec.events import Listener
from restoreroute.spec.source import SourceImage


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model to be measured.

    Attributes:
        name: an installed model's, or that of its file.
        baseline: the full network alone, if there is one.
    """

    name: str
    model: Model
    baseline: Model | None
    device: torch.device

    def images(self, folder: Path, degraded: Path | None) -> Sequence[SourceImage]:
        """The images of a folder.

        Args:
            folder: of clean images.
            degraded: folder of their degraded versions; None where the model's task makes them.

        Raises:
            InputError: for a folder without images, images without partners, or a task that makes no degraded ones.
        """
        if degraded is not None:
            return pair_images(folder, degraded)
        if not self.model.task.offer.degrades:
            raise InputError(
                f"task {self.model.task.offer.name!r} makes no degraded images of clean ones",
                where=str(folder),
                hint="name the folder of their degraded versions: --degraded DIR",
            )
        return find_images(folder)

    @contextmanager
    def pairs(self, images: Sequence[SourceImage], *, crop: int | None, listen: Listener) -> Iterator[list[Pair]]:
        """Every image with its degraded version; gone at the end.

        Args:
            images: as :meth:`images` gives them.
            crop: side of the centre square of each clean image; None for the whole image.

        Raises:
            InputError: for a file that is no image.
        """
        with tempfile.TemporaryDirectory(prefix="restoreroute-") as cache:
            pairs = PairCache(Path(cache), self.model.task).load(
                images, clean_scales=(1.0,), listen=listen, step="read"
            )
            yield pairs if crop is None else [pair.centre(crop, self.model.task.bound.scale) for pair in pairs]


def open_subject(
    model: str | Path,
    *,
    baseline: Path | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    device: str = "auto",
) -> Subject:
    """Load a model to be measured.

    Args:
        model: the name of an installed model, or a model file.
        baseline: model file of the full network alone; if not given, the one that comes with the model, for a file
            ``baseline.safetensors`` beside it, where there is one.
        overrides: of the task's options, such as ``"task.sigma=50"``: degrade in another way than in training.
        device: where to run.

    Raises:
        InputError: for a file that can't be used, or a baseline of another scale.
    """
    catalogue = open_catalogue()
    chosen = choose_device(device)
    files = find_model(model, catalogue)
    loaded = load_model(files.model, catalogue).to(chosen)
    loaded = replace(loaded, task=with_options(loaded.task, overrides))
    single, path = None, baseline or files.baseline
    if path is not None:
        single = load_model(path, catalogue).to(chosen)
        if single.branches.scale != loaded.branches.scale:
            raise InputError(
                f"restores at scale {single.branches.scale}, the model at {loaded.branches.scale}", where=str(path)
            )
    name = files.model.stem if Path(model) == files.model else str(model)
    return Subject(name=name, model=loaded, baseline=single, device=chosen)
