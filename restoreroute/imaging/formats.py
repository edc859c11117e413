"""Which format a file's bytes are of, what is said of damaged ones, and a guard around Pillow's readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from PIL import Image

from restoreroute.errors import InputError


def sniff(data: bytes) -> str | None:
    """The format that a file's first bytes declare: PNG, JPEG, TIFF, WebP or BMP, or else None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith(b"BM"):
        return "BMP"
    return None


def damaged(kind: str, error: Exception, path: Path) -> InputError:
    """The error for a file of that format whose decoding failed."""
    reason = str(error) or type(error).__name__
    return InputError(
        f"the {kind} data are damaged or cut off: {reason}", where=str(path), hint="copy or export the image again"
    )


_PIXEL_LIMIT = Lock()


@contextmanager
def no_pixel_limit() -> Iterator[None]:
    """Lift Pillow's limit of 179 megapixels, meant for web servers, while a file's header is read.

    Most of Pillow's readers check it in ``Image.open`` only; that of WebP checks it on its own.
    """
    with _PIXEL_LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
