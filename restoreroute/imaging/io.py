"""Find, read and write images."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from restoreroute.errors import InputError
from restoreroute.imaging import encode
from restoreroute.imaging.atomic import write_atomically
from restoreroute.imaging.color import Pixels
from restoreroute.imaging.decode import DECODERS, UnreadableKindError
from restoreroute.imaging.encode import IMAGE_SUFFIXES, UnwritableKindError
from restoreroute.imaging.formats import damaged, sniff
from restoreroute.imaging.metadata import NOTHING, Metadata, read_metadata

__all__ = ["IMAGE_SUFFIXES", "Picture", "find_images", "read_image", "read_picture", "require_writable", "write_image"]


def find_images(folder: Path) -> list[Path]:
    """All images below ``folder``, at any depth, sorted by path.

    An image is a file with one of ``IMAGE_SUFFIXES``, in capitals or not. Files and folders whose
    name begins with a dot are skipped. Links to folders are followed, each folder once.

    Raises:
        InputError: there is no such folder, it can't be read, or it holds no image.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "there is no such folder"
        raise InputError(what, where=str(folder), hint="name a folder of images")
    found = []
    entered = {os.path.realpath(folder)}
    for place, folders, files in os.walk(folder, followlinks=True, onerror=_refuse_unreadable):
        # what is taken out of this list is not entered
        folders[:] = [name for name in sorted(folders) if _is_new(place, name, entered)]
        paths = (Path(place, name) for name in files if not name.startswith("."))
        found += [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        raise InputError("holds no image", where=str(folder), hint=f"looked for {suffixes}")
    return sorted(found)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Pixels as :func:`read_image` gives them, and what the file says beside them."""

    pixels: Pixels
    metadata: Metadata


def read_image(path: Path) -> Pixels:
    """Read PNG, JPEG, TIFF, WebP or BMP; the contents decide which, not the suffix.

    Palettes are expanded, CMYK becomes RGB, 1-bit becomes 8-bit, and the picture is turned upright
    as its EXIF or TIFF orientation says. Colour profiles are not applied. Of several pages or
    frames this is the first. There is no limit on the number of pixels but memory.

    Returns:
        HxW (grey), HxWx2 (grey, alpha), HxWx3 (RGB) or HxWx4 (RGB, alpha); uint8 on 0..255 or, for
        16-bit PNG and TIFF, uint16 on 0..65535.

    Raises:
        InputError: no such file, not readable, not an image, damaged or cut off, or of a kind that
            is not read.
    """
    return _decoded(path, _bytes_of(path))


def read_picture(path: Path) -> Picture:
    """As :func:`read_image`, with the metadata.  The orientation is used up: pixels stand upright."""
    data = _bytes_of(path)
    return Picture(pixels=_decoded(path, data), metadata=read_metadata(data))


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not data:
        hint = "it was perhaps not copied to its end: copy or export it again"
        raise InputError("the file is empty", where=str(path), hint=hint)
    return data


def _decoded(path: Path, data: bytes) -> Pixels:
    kind = sniff(data)
    if kind is None:
        hint = f"images are read from {', '.join(DECODERS)}: convert it to one of them"
        raise InputError("is not an image of a known format", where=str(path), hint=hint)
    try:
        image: Pixels = DECODERS[kind](data)
    except UnreadableKindError as error:
        raise InputError(error.what, where=str(path), hint=error.hint) from error
    except MemoryError as error:
        hint = "cut it into parts, or use a machine with more memory"
        what = "the image does not fit into memory"
        raise InputError(what, where=str(path), hint=hint) from error
    except Exception as error:  # decoders meet damaged data with exceptions of any kind
        raise damaged(kind, error, path) from error
    return image


def require_writable(path: Path, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    """Refuse an image of that shape and type which the format of ``path`` can't hold, before there is one.

    Raises:
        InputError: saying which formats can.
    """
    try:
        encode.require_writable(shape, dtype, path.suffix.lower())
    except UnwritableKindError as error:
        raise InputError(error.what, where=str(path), hint=error.hint) from error


def write_image(path: Path, image: Pixels, metadata: Metadata = NOTHING) -> None:
    """Write an image in the format of ``path``'s suffix, all or nothing (see :mod:`.atomic`).

    PNG, TIFF and WebP are lossless, JPEG has quality 95 and 4:4:4. WebP has no grey: it comes back
    as RGB.

    Args:
        path: with one of ``IMAGE_SUFFIXES``; its folder must exist.
        image: HxW or HxWx1 (grey), HxWx2 (grey, alpha), HxWx3 (RGB) or HxWx4 (RGB, alpha), uint8 or
            uint16.
        metadata: colour profile, EXIF and resolution, as far as the format has a place for them.

    Raises:
        InputError: a suffix that is not written, or a format that can't hold 16 bit, alpha or that
            many pixels; says which can.
        OutputError: disk full, no permission, no such folder; a file that was there is as it was.
        ValueError: an array that is no image.
    """
    try:
        data = encode.encode(image, path.suffix.lower(), metadata)
    except UnwritableKindError as error:
        raise InputError(error.what, where=str(path), hint=error.hint) from error
    write_atomically(path, lambda stream: stream.write(data))


def _is_new(place: str, name: str, entered: set[str]) -> bool:
    """Whether to enter a folder; notes it in ``entered``, so that links can't lead in a circle."""
    real = os.path.realpath(Path(place, name))
    if name.startswith(".") or real in entered:
        return False
    entered.add(real)
    return True


def _refuse_unreadable(error: OSError) -> None:
    raise InputError(
        f"the folder can't be read: {error.strerror or error}",
        where=str(error.filename),
        hint="check its permissions",
    ) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    if error.errno == errno.ENOENT:
        return InputError("there is no such file", where=str(path), hint="check the path")
    if error.errno == errno.EISDIR:
        return InputError("is a folder, not an image", where=str(path), hint="name a file in it")
    what = f"can't be read: {error.strerror or error}"
    return InputError(what, where=str(path), hint="check its permissions")
