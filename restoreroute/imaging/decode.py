"""The bytes of image files to arrays, one function per format. Use :func:`.io.read_image`.

Arrays are HxW (grey), HxWx2 (grey, alpha), HxWx3 (RGB) or HxWx4 (RGB, alpha), uint8 or uint16 over
the full range of the type. PNG goes through libpng and TIFF through tifffile, because Pillow
reduces their 16-bit colours to 8 bit.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import BmpImagePlugin, ExifTags, Image, JpegImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from restoreroute.imaging.formats import no_pixel_limit
from restoreroute.imaging.metadata import png_chunks


class UnreadableKindError(Exception):
    """A sound image of a kind that is not read; ``hint`` says what to do about it."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def decode_png(data: bytes) -> NDArray[Any]:
    """Libpng expands palettes, grey of 1 to 4 bit and transparent colours; gamma is left alone."""
    return _upright(imagecodecs.png_decode(data), _png_orientation(data))


def decode_jpeg(data: bytes) -> NDArray[Any]:
    """CMYK becomes RGB. Of a multi-picture file (MPO) this is the first picture."""
    return _decode_with_pillow(JpegImagePlugin.JpegImageFile, data)


def decode_webp(data: bytes) -> NDArray[Any]:
    """Of an animation this is the first frame."""
    return _decode_with_pillow(WebPImagePlugin.WebPImageFile, data)


def decode_bmp(data: bytes) -> NDArray[Any]:
    """Palettes come expanded, 1 bit as 8 bit."""
    return _decode_with_pillow(BmpImagePlugin.BmpImageFile, data)


def decode_tiff(data: bytes) -> NDArray[Any]:
    """The first page, as grey or RGB; other bit depths are stretched to the next of 8 and 16.

    Raises:
        UnreadableKindError: floats, signed or 32-bit numbers, volumes, Lab and the like, five
            channels and more.
    """
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages.first
        if page.dtype is None or page.dtype.kind not in "bu" or page.dtype.itemsize > 2:
            hint = "convert it to 8 or 16 bit"
            raise UnreadableKindError(f"is a TIFF with values of type {page.dtype}", hint)
        if page.axes not in ("YX", "YXS", "SYX"):
            hint = "export one flat picture"
            raise UnreadableKindError(f"is a TIFF with axes {page.axes}", hint)
        stored = page.asarray()
        if page.axes == "SYX":
            stored = np.moveaxis(stored, 0, -1)
        samples = _tiff_colors(page, stored)
        extra = page.extrasamples[0] if page.extrasamples else None
        if extra == tifffile.EXTRASAMPLE.ASSOCALPHA:
            samples = _unpremultiplied(samples)
        orientation = page.tags.get("Orientation")
        return _upright(samples, orientation.value if orientation else 1)


DECODERS: dict[str, Callable[[bytes], NDArray[Any]]] = {
    "PNG": decode_png,
    "JPEG": decode_jpeg,
    "TIFF": decode_tiff,
    "WebP": decode_webp,
    "BMP": decode_bmp,
}


def _tiff_colors(page: tifffile.TiffPage, stored: NDArray[Any]) -> NDArray[Any]:
    """Samples of a TIFF page, HxW or HxWxS, as grey or RGB, with alpha if there is one."""
    kind = page.photometric
    if kind == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
        palette = (page.colormap.T >> 8).astype(np.uint8)
        if stored.ndim == 2:
            return palette[stored.astype(np.intp)]
        return np.concatenate([palette[stored[..., 0]], stored[..., 1:2]], axis=2)

    samples = _full_range(stored, int(page.bitspersample))
    top = np.iinfo(samples.dtype).max
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    if kind == tifffile.PHOTOMETRIC.MINISBLACK and channels <= 2:
        return samples
    if kind == tifffile.PHOTOMETRIC.MINISWHITE and channels <= 2:
        grey = samples if samples.ndim == 2 else samples[..., 0]
        np.subtract(top, grey, out=grey)
        return samples
    if kind == tifffile.PHOTOMETRIC.RGB and channels in (3, 4):
        return samples
    # tifffile turns YCbCr into RGB where the JPEG decoder does it, and nowhere else
    jpeg = page.compression == tifffile.COMPRESSION.JPEG
    if kind == tifffile.PHOTOMETRIC.YCBCR and jpeg and channels == 3:
        return samples
    if kind == tifffile.PHOTOMETRIC.SEPARATED and channels == 4:
        ink = samples.astype(np.uint32)
        light = (top - ink[..., :3]) * (top - ink[..., 3:])
        return ((light + top // 2) // top).astype(samples.dtype)
    name = getattr(kind, "name", kind)
    what = f"is a TIFF with {channels} channels of colour space {name}"
    raise UnreadableKindError(what, "convert it to grey or RGB, with or without alpha")


def _full_range(stored: NDArray[Any], bits: int) -> NDArray[Any]:
    """Values of ``bits`` bits, stretched to the full range of uint8 or uint16; a copy."""
    if stored.dtype == np.bool_:
        return np.where(stored, np.uint8(255), np.uint8(0))
    top, stretched = 2**bits - 1, np.iinfo(stored.dtype).max
    if top == stretched:
        return stored.copy()
    scaled: NDArray[Any] = (stored.astype(np.uint32) * stretched + top // 2) // top
    return scaled.astype(stored.dtype)


def _unpremultiplied(image: NDArray[Any]) -> NDArray[Any]:
    """Colours divided by alpha, the last channel; black where it is 0."""
    top = np.iinfo(image.dtype).max
    alpha = image[..., -1:].astype(np.uint32)
    color = image[..., :-1].astype(np.uint32) * top
    color = np.minimum((color + alpha // 2) // np.maximum(alpha, 1), top)
    return np.concatenate([color, alpha], axis=2).astype(image.dtype)


def _decode_with_pillow(opener: Callable[[io.BytesIO], ImageFile], data: bytes) -> NDArray[Any]:
    with warnings.catch_warnings():
        # these are remarks on odd metadata; damage to the picture is an error
        warnings.simplefilter("ignore")
        with no_pixel_limit():
            image: Image.Image = opener(io.BytesIO(data))
        orientation = _exif_orientation(image)
        if image.mode not in ("L", "LA", "RGB", "RGBA"):
            color = "RGBA" if image.has_transparency_data else "RGB"
            image = image.convert("L" if image.mode == "1" else color)
        return _upright(np.array(image), orientation)


def _png_orientation(data: bytes) -> int:
    """The orientation in the eXIf chunk, which may stand before or after the picture, or else 1."""
    for name, content in png_chunks(data):
        if name == b"eXIf":
            return _exif_orientation(content)
    return 1


def _exif_orientation(source: bytes | Image.Image) -> int:
    """The orientation in EXIF data or in those of an opened image; 1 if they have none."""
    try:
        if isinstance(source, Image.Image):
            exif = source.getexif()
        else:
            exif = Image.Exif()
            exif.load(source)
        return int(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata raise almost anything, and the picture may still be sound
        return 1


def _upright(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an orientation 1..8 of EXIF and TIFF; any other counts as 1. A contiguous array."""
    turned: NDArray[Any]
    match orientation:
        case 2:
            turned = image[:, ::-1]
        case 3:
            turned = image[::-1, ::-1]
        case 4:
            turned = image[::-1]
        case 5:
            turned = image.swapaxes(0, 1)
        case 6:
            turned = image.swapaxes(0, 1)[:, ::-1]
        case 7:
            turned = image.swapaxes(0, 1)[::-1, ::-1]
        case 8:
            turned = image.swapaxes(0, 1)[::-1]
        case _:
            turned = image
    return np.ascontiguousarray(turned)
