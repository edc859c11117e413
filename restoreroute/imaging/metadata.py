"""What an image file says beside its pixels: colour profile, EXIF and resolution."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import tifffile
from PIL import ExifTags, Image

from restoreroute.imaging.formats import no_pixel_limit, sniff

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
EXIF_HEADER = b"Exif\0\0"
METRES_PER_INCH = 0.0254
CENTIMETRES_PER_INCH = 2.54
UPRIGHT = 1
HIGHEST_DPI = 65_535
"""What JPEG can hold."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Facts that go along with the pixels.

    Attributes:
        icc: the ICC profile that colours are meant in.
        exif: EXIF data, without the header that JPEG puts before them.
        dpi: pixels per inch, across and down.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None

    def fitting(self, *, channels: int, width: int, height: int) -> Metadata:
        """For pixels of another size that stand upright, without a profile of other colours.

        Args:
            channels: colour channels, alpha not counted.
        """
        exif = None if self.exif is None else _upright_exif(self.exif, width, height)
        return replace(self, icc=self.icc if _suits(self.icc, channels) else None, exif=exif)


NOTHING = Metadata()


def read_metadata(data: bytes) -> Metadata:
    """The metadata of an image file's bytes; what is damaged, or a resolution beyond reason, is left out."""
    try:
        return _plausible(_read(data))
    except Exception:  # damaged metadata raise almost anything, and the picture may still be sound
        return NOTHING


def _read(data: bytes) -> Metadata:
    match sniff(data):
        case "PNG":
            return _of_png(data)
        case "TIFF":
            return _of_tiff(io.BytesIO(data))
        case "JPEG" | "WebP" | "BMP":
            return _of_others(data)
        case _:
            return NOTHING


def _plausible(metadata: Metadata) -> Metadata:
    """Without a resolution that other formats could not write."""
    if metadata.dpi is not None and not all(1 <= value <= HIGHEST_DPI for value in metadata.dpi):
        return replace(metadata, dpi=None)
    return metadata


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk of a PNG file."""
    position = len(PNG_SIGNATURE)
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        yield name, data[position + 8 : position + 8 + length]
        position += length + 12


def into_png(data: bytes, metadata: Metadata) -> bytes:
    """A PNG file with metadata in it, before its pixels."""
    chunks = []
    if metadata.icc is not None:
        chunks.append((b"iCCP", b"profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi is not None:
        per_metre = [round(value / METRES_PER_INCH) for value in metadata.dpi]
        chunks.append((b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if metadata.exif is not None:
        chunks.append((b"eXIf", metadata.exif))
    head = len(PNG_SIGNATURE) + 12 + 13  # IHDR, which has to be first
    written = [
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    ]
    return data[:head] + b"".join(written) + data[head:]


def _of_png(data: bytes) -> Metadata:
    found = dict(png_chunks(data))
    icc = dpi = None
    if b"iCCP" in found:
        _, _, packed = found[b"iCCP"].partition(b"\0")
        icc = zlib.decompress(packed[1:])
    if b"pHYs" in found:
        across, down, unit = struct.unpack(">IIB", found[b"pHYs"])
        dpi = (across * METRES_PER_INCH, down * METRES_PER_INCH) if unit == 1 else None
    return Metadata(icc=icc, exif=found.get(b"eXIf"), dpi=dpi)


def read_tiff_metadata(path: Path) -> Metadata:
    """As :func:`read_metadata`, of a TIFF file that is not read as a whole."""
    try:
        return _plausible(_of_tiff(path))
    except Exception:  # see read_metadata
        return NOTHING


def _of_tiff(source: Path | io.BytesIO) -> Metadata:
    with tifffile.TiffFile(source) as tiff:
        tags = tiff.pages.first.tags
        icc = tags.valueof("InterColorProfile")
        across, down = tags.valueof("XResolution"), tags.valueof("YResolution")
        unit = tags.valueof("ResolutionUnit", default=tifffile.RESUNIT.INCH)
        dpi = None
        if across and down and unit in (tifffile.RESUNIT.INCH, tifffile.RESUNIT.CENTIMETER):
            factor = 1.0 if unit == tifffile.RESUNIT.INCH else CENTIMETRES_PER_INCH
            dpi = (factor * across[0] / across[1], factor * down[0] / down[1])
        return Metadata(icc=None if icc is None else bytes(icc), dpi=dpi)


def _of_others(data: bytes) -> Metadata:
    with warnings.catch_warnings(), no_pixel_limit():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=["JPEG", "WEBP", "BMP"]) as image:
            exif = image.info.get("exif")
            dpi = image.info.get("dpi")
            return Metadata(
                icc=image.info.get("icc_profile") or None,
                exif=exif.removeprefix(EXIF_HEADER) if exif else None,
                dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
            )


def _suits(icc: bytes | None, channels: int) -> bool:
    """Whether a profile is for as many channels: its header names a colour space."""
    return icc is not None and icc[16:20] == (b"GRAY" if channels == 1 else b"RGB ")


def _upright_exif(data: bytes, width: int, height: int) -> bytes | None:
    """EXIF data with the orientation 1 and a new size; thumbnails, which would be of the old image, are dropped."""
    try:
        exif = Image.Exif()
        exif.load(data)
        exif[ExifTags.Base.Orientation] = UPRIGHT
        for tag, value in ((ExifTags.Base.ImageWidth, width), (ExifTags.Base.ImageLength, height)):
            if tag in exif:
                exif[tag] = value
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        for tag, value in ((ExifTags.Base.ExifImageWidth, width), (ExifTags.Base.ExifImageHeight, height)):
            if tag in inner:
                inner[tag] = value
        return exif.tobytes().removeprefix(EXIF_HEADER)
    except Exception:  # see read_metadata
        return None
