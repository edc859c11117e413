"""TIFF files that are larger than memory, read and written some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import tifffile
from numpy.typing import NDArray

from restoreroute.imaging.atomic import write_atomically
from restoreroute.imaging.formats import damaged
from restoreroute.imaging.metadata import NOTHING, Metadata
from restoreroute.imaging.tiff_options import tiff_options

TILE = 256
LARGEST_CLASSIC = 2**31
"""Bytes of pixels from which on files are BigTIFF; classic TIFF ends at 4 GiB, compressed or not."""
LARGEST_SEGMENT = 64 * 2**20
"""Bytes of one strip or tile: more is better read at once, as any image."""
ENCODED_AT_ONCE = 16 * 2**20
"""Bytes of tiles that wait for the threads that compress them; half a gigabyte unless told."""
PLAIN = frozenset({tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB})


class TiffRows:
    """The first page of a TIFF file as rows: grey or RGB, with or without alpha, of 8 or 16 bit, in small segments.

    Use it as a context manager; :func:`is_plain_tiff` says which files can be read like this.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = tifffile.TiffFile(path)
        self.page = self.file.pages.first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    @property
    def shape(self) -> tuple[int, ...]:
        """H x W or H x W x C."""
        return tuple(self.page.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.page.dtype).newbyteorder("=")

    def read(self, first: int, last: int) -> NDArray[Any]:
        """Rows ``first`` to ``last``, decoded from the strips or tiles that hold them.

        Raises:
            InputError: where the data are damaged or cut off.
        """
        try:
            return self._decoded(first, last)
        except Exception as error:  # decoders meet damaged data with exceptions of any kind
            raise damaged("TIFF", error, self.path) from error

    def _decoded(self, first: int, last: int) -> NDArray[Any]:
        page = self.page
        height, width = self.shape[:2]
        rows = np.zeros((last - first, *self.shape[1:]), dtype=self.dtype)
        deep = rows.reshape(last - first, width, -1)
        tall, wide = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, width)
        across = -(-width // wide)
        for line in range(first // tall, -(-last // tall)):
            top = line * tall
            for column in range(across):
                index, left = line * across + column, column * wide
                segment, _, _ = page.decode(self._segment(index), index, jpegtables=page.jpegtables)
                if segment is None:  # a segment that is not there counts as zeros
                    continue
                block = segment[0]  # (rows, columns, samples)
                begin, end = max(first, top), min(last, top + tall, height)
                kept = block[begin - top : end - top, : min(wide, width - left)]
                deep[begin - first : end - first, left : left + kept.shape[1]] = kept
        return rows

    def _segment(self, index: int) -> bytes | None:
        """The encoded bytes of a strip or tile; None for one that is not there."""
        length = self.page.databytecounts[index]
        self.file.filehandle.seek(self.page.dataoffsets[index])
        data = self.file.filehandle.read(length)
        if len(data) < length:
            raise EOFError("the file ends before its pixels do")
        return data or None


def is_plain_tiff(path: Path) -> bool:
    """Whether :class:`TiffRows` can read a file; others are decoded as a whole."""
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            orientation = page.tags.valueof("Orientation", default=1)
            rows = page.tilelength if page.is_tiled else page.rowsperstrip
            columns = page.tilewidth if page.is_tiled else page.imagewidth
            return (
                page.dtype is not None
                and page.dtype.kind == "u"
                and page.bitspersample == 8 * page.dtype.itemsize
                and page.dtype.itemsize <= 2
                and page.photometric in PLAIN
                and page.axes in ("YX", "YXS")
                and page.samplesperpixel <= 4
                and orientation == 1
                and tifffile.EXTRASAMPLE.ASSOCALPHA not in page.extrasamples
                and rows * columns * page.samplesperpixel * page.dtype.itemsize <= LARGEST_SEGMENT
            )
    except Exception:  # whatever is wrong is said where it is decoded as a whole
        return False


def write_tiff_rows(
    path: Path,
    rows: Iterable[NDArray[Any]],
    *,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    metadata: Metadata = NOTHING,
) -> None:
    """Write a TIFF file in tiles, deflated with horizontal prediction, all or nothing.

    Args:
        rows: parts of the image, from top to bottom, each some rows.
        shape: of the whole image, H x W or H x W x C.
        dtype: uint8 or uint16.
        metadata: colour profile and resolution.

    Raises:
        OutputError: disk full, no permission, no such folder; a file that was there is as it was.
    """
    channels = 1 if len(shape) == 2 else shape[2]
    size = int(np.prod(shape)) * dtype.itemsize
    fitting = metadata.fitting(channels=1 if channels <= 2 else 3, width=shape[1], height=shape[0])

    def write(stream: IO[bytes]) -> None:
        with tifffile.TiffWriter(stream, bigtiff=size > LARGEST_CLASSIC) as writer:
            writer.write(
                _tiles(rows, shape[1], channels),
                shape=shape,
                dtype=dtype,
                tile=(TILE, TILE),
                buffersize=ENCODED_AT_ONCE,
                **tiff_options(channels, fitting),
            )

    write_atomically(path, write)


def _tiles(rows: Iterable[NDArray[Any]], width: int, channels: int) -> Iterator[NDArray[Any]]:
    """Tiles in the order of the file, from parts of any height; those at the edge are filled up with zeros."""
    filled = 0
    line: NDArray[Any] | None = None  # a row of tiles side by side
    for part in rows:
        if line is None:
            line = np.zeros((TILE, -(-width // TILE) * TILE, *part.shape[2:]), dtype=part.dtype)
        taken = 0
        while taken < len(part):
            count = min(TILE - filled, len(part) - taken)
            line[filled : filled + count, :width] = part[taken : taken + count]
            taken += count
            filled += count
            if filled == TILE:
                yield from _side_by_side(line, channels)
                filled = 0
        del part  # before the next one is made
    if line is not None and filled:
        line[filled:] = 0
        yield from _side_by_side(line, channels)


def _side_by_side(line: NDArray[Any], channels: int) -> Iterator[NDArray[Any]]:
    shape = (TILE, TILE) if channels == 1 else (TILE, TILE, channels)
    for left in range(0, line.shape[1], TILE):
        yield line[:, left : left + TILE].reshape(shape).copy()
