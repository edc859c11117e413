"""Which restored image goes to which file."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from restoreroute.errors import InputError
from restoreroute.imaging.io import IMAGE_SUFFIXES, find_images
from restoreroute.imaging.video import VIDEO_SUFFIXES

FILE_SUFFIXES = IMAGE_SUFFIXES | VIDEO_SUFFIXES


def plan_outputs(inputs: Sequence[Path], output: Path | None, *, scale: int) -> list[tuple[Path, Path]]:
    """Which image goes to which file.

    Raises:
        InputError: if an input does not exist or two images would go to one file.
    """
    jobs: list[tuple[Path, Path]] = []
    paths = _expanded(inputs)
    single = len(paths) == 1 and not paths[0].is_dir()
    for path in paths:
        if path.is_dir():
            folder = beside(path, scale=scale) if output is None else output
            jobs += [(image, folder / image.relative_to(path)) for image in find_images(path)]
        elif output is None:
            jobs.append((path, beside(path, scale=scale)))
        elif single and not output.is_dir() and output.suffix.lower() in FILE_SUFFIXES:
            jobs.append((path, output))
        else:
            jobs.append((path, output / path.name))
    taken: dict[Path, Path] = {}
    for source, target in jobs:
        if target in taken:
            raise InputError(
                f"would be written to {target}, as would {taken[target]}",
                where=str(source),
                hint="restore them into different folders",
            )
        taken[target] = source
    return jobs


def beside(path: Path, *, scale: int) -> Path:
    """Where a result goes by itself: ``photo.jpg`` to ``photo-x4.jpg``, or at scale 1 ``photo-restored.jpg``.

    A folder's results go to a folder beside it, and a file of a format that is not written becomes a PNG.
    """
    ending = f"-x{scale}" if scale > 1 else "-restored"
    path = path.resolve() if path.name in {"", ".."} else path
    if path.is_dir():
        return path.with_name(path.name + ending)
    suffix = path.suffix if path.suffix.lower() in FILE_SUFFIXES else ".png"
    return path.with_name(path.stem + ending + suffix)


def _expanded(inputs: Sequence[Path]) -> list[Path]:
    """Inputs with patterns replaced by what they match, for shells that do not do it."""
    found: list[Path] = []
    for path in inputs:
        matches = [] if path.exists() else sorted(map(Path, glob(str(path), recursive=True)))  # noqa: PTH207 (any folder)
        if not path.exists() and not matches:
            raise InputError("no such file", where=str(path), hint="name an image or a folder of images")
        found += matches or [path]
    return found
