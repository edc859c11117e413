"""Clean images and their degraded versions, kept as memory-mapped arrays.

Degraded versions come with the data or are made by the task.  A pair is made once and cached under a key of everything
that it depends on, so that training reads crops of it without decoding or resizing anything, whatever the size of the
data set.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restoreroute.errors import InputError, OutputError
from restoreroute.imaging.atomic import write_atomically
from restoreroute.imaging.color import from_float, grey_to_rgb, rgb_to_grey, split_alpha, to_float
from restoreroute.imaging.io import read_image
from restoreroute.imaging.resize import resize
from restoreroute.spec.events import Listener, WorkProgress
from restoreroute.spec.plan import Provider, TaskPlan
from restoreroute.spec.source import ImagePair, SourceImage, files_of
from restoreroute.spec.task import BoundTask

CACHE_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One clean image and its degraded version, unless the task makes that at random each time.

    Attributes:
        file: where the clean image comes from.
        clean: H x W x C, uint8 or uint16; sides are multiples of the task's scale.
        degraded: H/scale x W/scale x C, uint8, uint16 or float32; None where a random task makes it.
    """

    file: Path
    clean: NDArray[Any]
    degraded: NDArray[Any] | None

    def degraded_size(self, scale: int) -> tuple[int, int]:
        """Height and width of the degraded image."""
        return self.clean.shape[0] // scale, self.clean.shape[1] // scale

    def centre(self, side: int, scale: int) -> Pair:
        """The same pair cut to a square of ``side`` clean pixels, rounded down to the scale, around its centre.

        An image that is no larger stays as it is in that direction.

        Raises:
            ValueError: for a side that holds no degraded pixel.
        """
        if side < scale:
            raise ValueError(f"a square of {side} pixels holds nothing at scale {scale}")
        small = side // scale
        height, width = self.degraded_size(scale)
        top, left = (max(0, (length - small) // 2) for length in (height, width))

        def cut(image: NDArray[Any], factor: int) -> NDArray[Any]:
            return image[top * factor : (top + small) * factor, left * factor : (left + small) * factor]

        degraded = None if self.degraded is None else cut(self.degraded, 1)
        return replace(self, clean=cut(self.clean, scale), degraded=degraded)

    def degraded_image(self, task: BoundTask, *, seed: int) -> NDArray[np.float32]:
        """The whole degraded image as float32 in [0, 1]; a random task draws it by :meth:`generator`."""
        if self.degraded is not None:
            return to_float(np.asarray(self.degraded))
        return task.degrade(to_float(np.asarray(self.clean)), self.generator(seed))

    def generator(self, seed: int) -> np.random.Generator:
        """Randomness for one evaluation of this image: fixed by ``seed`` and the clean pixels.

        Neither the image's name and folder nor its place in a set change what is drawn.
        """
        pixels = np.ascontiguousarray(self.clean)
        return np.random.default_rng([seed, *pixels.shape, zlib.crc32(pixels.data)])


def read_clean(file: Path, task: BoundTask, clean_scale: float = 1.0) -> NDArray[Any]:
    """Read an image as a clean one: colour only, as many channels as the task has, sides cut to its scale.

    Args:
        file: the image.
        task: gives channels and scale.
        clean_scale: factor in (0, 1] by which the image is reduced first (antialiased bicubic).

    Raises:
        InputError: if the file is no image, or too small to hold one degraded pixel.
    """
    color = _read_color(file, task)
    if clean_scale != 1.0:
        color = from_float(resize(to_float(color), clean_scale), color.dtype)
    return _cut_to_scale(color, task, file)


def read_pair(pair: ImagePair, task: BoundTask) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read a clean and a degraded image, each at its own depth: colour only, as many channels as the task has.

    Args:
        pair: the two files.
        task: gives channels and scale.

    Returns:
        H x W x C clean, sides cut to the scale, and H/scale x W/scale x C degraded; uint8 or uint16.

    Raises:
        InputError: if one of the files is no image, or their sizes are not of the task's scale.
    """
    color, degraded = _read_color(pair.clean, task), _read_color(pair.degraded, task)
    clean = _cut_to_scale(color, task, pair.clean)
    expected = (clean.shape[0] // task.scale, clean.shape[1] // task.scale)
    if degraded.shape[:2] != expected:
        raise InputError(
            f"is {_size(degraded.shape)}, and its clean image {pair.clean} is {_size(color.shape)}: at scale "
            f"{task.scale} the degraded one has to be {_size(expected)}",
            where=str(pair.degraded),
            hint=_advice_on_sizes(color.shape, degraded.shape),
        )
    return clean, np.ascontiguousarray(degraded)


def _advice_on_sizes(clean: Sequence[int], degraded: Sequence[int]) -> str:
    """What sizes that do not belong to the task's scale may be of."""
    if degraded[0] > clean[0] and degraded[1] > clean[1]:
        return "the degraded image is the larger one: are the two folders exchanged?"
    scale = max(1, clean[0] // degraded[0])
    if (clean[0] // scale, clean[1] // scale) == tuple(degraded[:2]):
        return f"they are of scale {scale}: set the task's"
    return "cut both to the same part of the picture"


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _read_color(file: Path, task: BoundTask) -> NDArray[Any]:
    """H x W x C without alpha, grey or RGB as the task has it; uint8 or uint16."""
    color, _ = split_alpha(read_image(file))
    if task.channels == 1 and color.shape[2] == 3:
        return from_float(rgb_to_grey(to_float(color)), color.dtype)
    return grey_to_rgb(color) if task.channels == 3 else color


def _cut_to_scale(color: NDArray[Any], task: BoundTask, file: Path) -> NDArray[Any]:
    """The image without the rows at the bottom and the columns at the right that are no whole degraded pixel."""
    height, width = (side - side % task.scale for side in color.shape[:2])
    if not height or not width:
        raise InputError(
            f"is {color.shape[1]} x {color.shape[0]}, smaller than one pixel after reduction by {task.scale}",
            where=str(file),
            hint="leave it out",
        )
    return np.ascontiguousarray(color[:height, :width])


def degraded_of(clean: NDArray[Any], task: BoundTask) -> NDArray[Any] | None:
    """A clean image as the task degrades it, at the depth that it is stored in; None where it is random."""
    if task.random:
        return None
    degraded = task.degrade(to_float(clean), np.random.default_rng(0))
    return from_float(degraded, np.uint8) if task.degraded_bits == 8 else degraded


def fingerprint(images: Sequence[SourceImage]) -> str:
    """A hash of which files these are: names, sizes and times, not contents."""
    files = [file for image in images for file in files_of(image)]
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


class PairCache:
    """Makes pairs and keeps them in a folder.

    Args:
        folder: where arrays are kept; made when first needed.
        task: how clean images are degraded.
        provider: who the task is from; another version of it makes the pairs anew.
    """

    def __init__(self, folder: Path, task: TaskPlan, provider: Provider | None = None) -> None:
        self.folder = folder
        self.task = task
        self.provider = provider

    def load(
        self, images: Sequence[SourceImage], *, clean_scales: Sequence[float], listen: Listener, step: str
    ) -> list[Pair]:
        """Pairs of all images at all scales of the clean image, image by image.

        Args:
            images: clean ones, or pairs of files, whose degraded image is used as it is.
            clean_scales: factors in (0, 1]; 1 alone where degraded images are given.
            listen: hears the progress.
            step: that the progress is of.

        Raises:
            InputError: for a file that is no image or does not fit the task, or a clean image that the task can't
                degrade.
            ValueError: for a pair at another scale.
        """
        wanted = [(image, clean_scale) for image in images for clean_scale in clean_scales]
        pairs = []
        for done, (image, clean_scale) in enumerate(wanted):
            listen(WorkProgress(step=step, done=done, total=len(wanted)))
            pairs.append(self._pair(image, clean_scale))
        listen(WorkProgress(step=step, done=len(wanted), total=len(wanted)))
        return pairs

    def _pair(self, image: SourceImage, clean_scale: float) -> Pair:
        is_random = self.task.bound.random and not isinstance(image, ImagePair)
        names = ("clean",) if is_random else ("clean", "degraded")
        paths = [self.folder / f"{self._key(image, clean_scale)}.{name}.npy" for name in names]
        arrays = [_open_array(path) for path in paths]
        if any(array is None for array in arrays):
            clean, degraded = self._make(image, clean_scale)
            for path, array in zip(paths, (clean,) if degraded is None else (clean, degraded), strict=True):
                _save_array(path, array)
            arrays = [_open_array(path) for path in paths]
        found = [array for array in arrays if array is not None]
        if len(found) < len(names):
            raise InputError("can't be read back from the cache", where=str(self.folder), hint="delete it")
        return Pair(file=files_of(image)[0], clean=found[0], degraded=None if is_random else found[1])

    def _make(self, image: SourceImage, clean_scale: float) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """The clean array, and the degraded one unless it is made at random."""
        task = self.task
        if isinstance(image, ImagePair):
            if clean_scale != 1.0:
                raise ValueError(f"the degraded image of a pair is of one size, not {clean_scale} of it")
            return read_pair(image, task.bound)
        if not task.offer.degrades:
            raise InputError(
                f"comes without a degraded image, and task {task.offer.name!r} makes none",
                where=str(image),
                hint="use a data source that has them",
            )
        clean = read_clean(image, task.bound, clean_scale)
        return clean, degraded_of(clean, task.bound)

    def _key(self, image: SourceImage, clean_scale: float) -> str:
        clean, *degraded = files_of(image)
        facts = [
            CACHE_FORMAT,
            *_file_facts(clean),
            clean_scale,
            self.task.offer.name,
            self.task.options.model_dump_json(),
            None if self.provider is None else [self.provider.distribution, self.provider.version],
            *(_file_facts(file) for file in degraded),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _file_facts(file: Path) -> list[Any]:
    return [str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns]


def _save_array(path: Path, array: NDArray[Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't be made: {error.strerror}", where=str(path.parent)) from error
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _open_array(path: Path) -> NDArray[Any] | None:
    """The cached array, or None where it is missing or damaged and has to be made again."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # numpy meets damaged files with exceptions of any kind
        return None
    return array
