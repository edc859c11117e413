"""Clean and degraded images of two folders, paired by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from restoreroute.errors import InputError, nearest
from restoreroute.imaging.io import find_images
from restoreroute.spec.source import ImagePair


def pair_images(clean: Path, degraded: Path) -> list[ImagePair]:
    """Pair the images of two folders that have the same path below them, whatever their suffix.

    Args:
        clean: folder of clean images, searched at any depth.
        degraded: folder of their degraded versions, which may be in another format.

    Returns:
        All of them, sorted by name.

    Raises:
        InputError: for a folder that holds no image, an image without a partner or with two, or one folder given twice.
    """
    if clean.resolve() == degraded.resolve():
        raise InputError("is the folder of clean and of degraded images", where=str(clean), hint="name two folders")
    of_clean, of_degraded = _by_name(clean), _by_name(degraded)
    _require_partners(of_clean, of_degraded, degraded)
    _require_partners(of_degraded, of_clean, clean)
    return [ImagePair(clean=of_clean[name], degraded=of_degraded[name]) for name in sorted(of_clean)]


def _by_name(folder: Path) -> dict[str, Path]:
    """Images by their path below a folder, without suffix."""
    images: dict[str, Path] = {}
    for file in find_images(folder):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name in images:
            raise InputError(
                f"has the same name as {images[name].name} but for the suffix, so it is not clear which one is paired",
                where=str(file),
                hint="leave one of the two out",
            )
        images[name] = file
    return images


def _require_partners(images: Mapping[str, Path], partners: Mapping[str, Path], folder: Path) -> None:
    lonely = [name for name in images if name not in partners]
    if not lonely:
        return
    others = f", one of {len(lonely)} such images" if len(lonely) > 1 else ""
    close = nearest(lonely[0], partners)
    raise InputError(
        f"has no partner in {folder}{others}",
        where=str(images[lonely[0]]),
        hint="a pair has the same path below both folders, whatever the suffix"
        + (f"; did you mean {partners[close]}?" if close else ""),
    )
