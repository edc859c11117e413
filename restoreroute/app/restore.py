"""Restore image files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from restoreroute.app.restorer import Restorer, load_restorer
from restoreroute.errors import InputError, OutputError, RestorerouteError
from restoreroute.imaging.io import IMAGE_SUFFIXES, find_images, read_picture, write_image
from restoreroute.inference.seamless import TRAINED, Effort
from restoreroute.routing.policies import shares

ROUTE_SUFFIX = ".route.png"


@dataclass(frozen=True, kw_only=True)
class RestoredFile:
    """What became of one input.

    Attributes:
        output: where the result lies; None where the input failed.
        shares: of the cells per branch.
        error: why it failed, or None.
    """

    source: Path
    output: Path | None = None
    route_map: Path | None = None
    shares: tuple[float, ...] = ()
    error: RestorerouteError | None = None


def restore_files(
    model: str | Path,
    inputs: Sequence[Path],
    output: Path | None = None,
    *,
    effort: Effort = TRAINED,
    route_map: bool = False,
    force: bool = False,
    device: str = "auto",
) -> Iterator[RestoredFile]:
    """Restore files and folders, one result at a time; a bad file stops nobody else.

    Args:
        model: the name of an installed model, or a model file.
        inputs: images and folders of images (at any depth, mirrored below ``output``).
        output: a file for one image, or a folder; if not given, beside each input (:func:`beside`).
        effort: how much to spend on each image.
        route_map: write the routing map beside each result.
        force: replace files that exist.

    Raises:
        InputError: before any work, if an input does not exist or several images would go to one file.
    """
    restorer = load_restorer(model, device=device)
    jobs = plan_outputs(inputs, output, scale=restorer.scale)
    for source, target in jobs:
        try:
            yield _restore_file(restorer, source, target, effort=effort, route_map=route_map, force=force)
        except RestorerouteError as error:
            yield RestoredFile(source=source, error=error)
        except MemoryError:
            shortage = RestorerouteError("there is not enough memory for this image", where=str(source))
            yield RestoredFile(source=source, error=shortage)


def plan_outputs(inputs: Sequence[Path], output: Path | None, *, scale: int) -> list[tuple[Path, Path]]:
    """Which image goes to which file.

    Raises:
        InputError: if an input does not exist or two images would go to one file.
    """
    jobs: list[tuple[Path, Path]] = []
    single = len(inputs) == 1 and not inputs[0].is_dir()
    for path in inputs:
        if not path.exists():
            raise InputError("no such file", where=str(path), hint="name an image or a folder of images")
        if path.is_dir():
            folder = beside(path, scale=scale) if output is None else output
            jobs += [(image, folder / image.relative_to(path)) for image in find_images(path)]
        elif output is None:
            jobs.append((path, beside(path, scale=scale)))
        elif single and not output.is_dir() and output.suffix.lower() in IMAGE_SUFFIXES:
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
    suffix = path.suffix if path.suffix.lower() in IMAGE_SUFFIXES else ".png"
    return path.with_name(path.stem + ending + suffix)


def _restore_file(
    restorer: Restorer, source: Path, target: Path, *, effort: Effort, route_map: bool, force: bool
) -> RestoredFile:
    map_path = target.with_name(target.name + ROUTE_SUFFIX) if route_map else None
    for path in (target, map_path):
        if path is not None and path.exists() and not force:
            raise InputError("exists already", where=str(path), hint="--force replaces it")
    picture = read_picture(source)
    restored = restorer.restore_routed(picture.pixels, effort=effort)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't be made: {error.strerror}", where=str(target.parent)) from error
    write_image(target, restored.image, picture.metadata)
    if map_path is not None:
        write_image(map_path, restorer.overlay(restored))
    return RestoredFile(
        source=source,
        output=target,
        route_map=map_path,
        shares=shares(restored.cells, len(restorer.model.branches)),
    )
