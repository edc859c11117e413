"""TIFF files by rows are what they are as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from restoreroute.errors import OutputError
from restoreroute.imaging.io import read_image, read_picture
from restoreroute.imaging.metadata import Metadata
from restoreroute.imaging.tiff_rows import TiffRows, is_plain_tiff, write_tiff_rows

KINDS = [((), np.uint8), ((3,), np.uint8), ((4,), np.uint16), ((2,), np.uint8), ((3,), np.uint16)]
LAYOUTS: list[dict[str, Any]] = [
    {"rowsperstrip": 7},
    {"rowsperstrip": 16, "compression": "zlib", "predictor": True},
    {"tile": (32, 48), "compression": "lzw"},
    {"tile": (16, 16), "byteorder": ">"},
]


def image(channels: tuple[int, ...], dtype: Any, size: tuple[int, int] = (83, 117)) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (*size, *channels)).astype(dtype)


@pytest.mark.parametrize(("channels", "dtype"), KINDS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_those_of_the_image(
    tmp_path: Path, channels: tuple[int, ...], dtype: Any, layout: dict[str, Any]
) -> None:
    path, whole = tmp_path / "a.tif", image(channels, dtype)
    colors = "rgb" if channels in {(3,), (4,)} else "minisblack"
    extra = {"extrasamples": ["unassalpha"]} if channels in {(2,), (4,)} else {}
    planar = {"planarconfig": "contig"} if channels else {}
    options = dict(layout)
    order = {"byteorder": options.pop("byteorder")} if "byteorder" in options else {}
    with tifffile.TiffWriter(path, **order) as writer:
        writer.write(whole, photometric=colors, metadata=None, **options, **extra, **planar)

    assert is_plain_tiff(path)
    with TiffRows(path) as rows:
        assert (rows.shape, rows.dtype) == (whole.shape, whole.dtype)
        for first, last in ((0, 83), (0, 1), (5, 40), (31, 33), (80, 83)):
            np.testing.assert_array_equal(rows.read(first, last), whole[first:last])


@pytest.mark.parametrize(("channels", "dtype"), KINDS)
@pytest.mark.parametrize("parts", [[83], [1] * 83, [40, 43]])
def test_what_is_written_by_rows_is_the_image(
    tmp_path: Path, channels: tuple[int, ...], dtype: Any, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restoreroute.imaging.tiff_rows.TILE", 32)
    path, whole = tmp_path / "a.tif", image(channels, dtype)
    rows = (whole[sum(parts[:index]) :][:height] for index, height in enumerate(parts))

    write_tiff_rows(path, rows, shape=whole.shape, dtype=whole.dtype, metadata=Metadata(dpi=(300, 300)))

    np.testing.assert_array_equal(read_image(path), whole)
    assert read_picture(path).metadata.dpi == (300, 300)
    assert is_plain_tiff(path)


def test_large_files_are_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restoreroute.imaging.tiff_rows.LARGEST_CLASSIC", 1000)
    whole = image((3,), np.uint8)

    write_tiff_rows(tmp_path / "a.tif", [whole], shape=whole.shape, dtype=whole.dtype)

    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff


def test_what_is_not_plain_is_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for options in (
        {"data": image((), np.uint8), "photometric": "miniswhite"},
        {"data": image((3,), np.uint8), "photometric": "rgb", "extratags": [(274, "H", 1, 6, True)]},
        {"data": image((3,), np.uint8).astype(np.float32), "photometric": "rgb"},
        {"data": image((4,), np.uint8), "photometric": "rgb", "extrasamples": ["assocalpha"]},
    ):
        tifffile.imwrite(path, metadata=None, **options)
        assert not is_plain_tiff(path)
    path.write_bytes(b"II*\0 no tiff")
    assert not is_plain_tiff(path)
    assert not is_plain_tiff(tmp_path / "none.tif")


def test_a_stop_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> Any:
        yield image((3,), np.uint8)[:40]
        raise OutputError("stopped", where="here")

    with pytest.raises(OutputError):
        write_tiff_rows(tmp_path / "a.tif", rows(), shape=(83, 117, 3), dtype=np.dtype(np.uint8))
    assert list(tmp_path.iterdir()) == []
