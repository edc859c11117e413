"""Writing, and reading what was written."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from restoreroute.errors import InputError, OutputError
from restoreroute.imaging.encode import UnwritableKindError, encode
from restoreroute.imaging.io import IMAGE_SUFFIXES, read_image, write_image
from restoreroute.imaging.resize import resize

ALL_CHANNELS: list[tuple[int, ...]] = [(), (2,), (3,), (4,)]
LOSSLESS = [
    *(
        (suffix, dtype, channels)
        for suffix in (".png", ".tif", ".tiff")
        for dtype in (np.uint8, np.uint16)
        for channels in ALL_CHANNELS
    ),
    *((".webp", np.uint8, channels) for channels in [(3,), (4,)]),
    *((".bmp", np.uint8, channels) for channels in [(), (3,)]),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels"), LOSSLESS)
@given(data=st.data())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read(
    tmp_path: Path,
    suffix: str,
    dtype: type[np.uint8],
    channels: tuple[int, ...],
    data: st.DataObject,
) -> None:
    size = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    image: NDArray[Any] = data.draw(arrays.arrays(dtype, (*size, *channels)))
    path = tmp_path / f"a{suffix}"
    write_image(path, image)
    result = read_image(path)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, image)


def test_capital_suffix(tmp_path: Path, rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    write_image(tmp_path / "A.PNG", image)
    np.testing.assert_array_equal(read_image(tmp_path / "A.PNG"), image)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_one_channel_is_grey(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    image = rng.integers(0, 256, (5, 6, 1), dtype=np.uint8)
    write_image(tmp_path / f"a{suffix}", image)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), image[..., 0])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".bmp"])
def test_views_are_written_right(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    image = rng.integers(0, 256, (3, 10, 14), dtype=np.uint8).transpose(1, 2, 0)[::2, ::-1]
    write_image(tmp_path / f"a{suffix}", image)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), image)


@pytest.mark.parametrize("channels", [(), (2,)])
def test_grey_webp_comes_back_as_rgb(tmp_path: Path, rng: np.random.Generator, channels: tuple[int, ...]) -> None:
    image = rng.integers(0, 256, (5, 6, *channels), dtype=np.uint8)
    write_image(tmp_path / "a.webp", image)
    result = read_image(tmp_path / "a.webp")
    if channels:
        np.testing.assert_array_equal(result, image[..., [0, 0, 0, 1]])
    else:
        np.testing.assert_array_equal(result, np.stack([image] * 3, axis=2))


@pytest.mark.parametrize("channels", [(), (3,)])
def test_jpeg_is_close_and_keeps_full_colors(
    tmp_path: Path, rng: np.random.Generator, channels: tuple[int, ...]
) -> None:
    smooth = np.clip(resize(rng.random((8, 8, *channels)), 8.0), 0, 1) * 255
    path = tmp_path / "a.jpg"
    write_image(path, smooth.astype(np.uint8))
    assert np.abs(read_image(path).astype(float) - smooth).mean() < 2
    with Image.open(path) as image:
        sampling = [layer[1:3] for layer in image.layer]  # type: ignore[attr-defined]
    assert sampling == [(1, 1)] * (3 if channels else 1)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".bmp"])
def test_16_bit_is_refused_where_it_does_not_fit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(InputError) as caught:
        write_image(path, np.zeros((4, 5, 3), dtype=np.uint16))
    assert "can't hold 16-bit values" in str(caught.value)
    assert "formats that can: PNG, TIFF)" in str(caught.value)
    assert str(path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_refused_where_it_does_not_fit(tmp_path: Path, suffix: str, channels: int) -> None:
    with pytest.raises(InputError, match="can't hold an alpha channel") as caught:
        write_image(tmp_path / f"a{suffix}", np.zeros((4, 5, channels), dtype=np.uint8))
    assert "formats that can: PNG, TIFF, WebP)" in str(caught.value)


def test_too_many_pixels_a_side() -> None:
    with pytest.raises(UnwritableKindError) as caught:
        encode(np.zeros((1, 16384), dtype=np.uint8), ".webp")
    assert "1 x 16384 pixels, more than 16383 a side" in caught.value.what
    assert caught.value.hint == "formats that can: PNG, TIFF, JPEG, BMP"
    with pytest.raises(UnwritableKindError, match="more than 65500 a side"):
        encode(np.zeros((65501, 1), dtype=np.uint8), ".jpg")


@pytest.mark.parametrize("suffix", [".webp", ".jpg"])
def test_as_many_pixels_a_side_as_declared(suffix: str) -> None:
    side = {".webp": 16383, ".jpg": 65500}[suffix]
    assert encode(np.zeros((1, side), dtype=np.uint8), suffix)


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.bak"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="not written with the suffix") as caught:
        write_image(tmp_path / name, np.zeros((4, 5), dtype=np.uint8))
    assert all(suffix in str(caught.value) for suffix in IMAGE_SUFFIXES)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 5, 3), dtype=np.float32),
        np.zeros((4, 5, 5), dtype=np.uint8),
        np.zeros(4, dtype=np.uint8),
        np.zeros((0, 5, 3), dtype=np.uint8),
    ],
)
def test_arrays_that_are_no_images(tmp_path: Path, image: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="got"):
        write_image(tmp_path / "a.png", image)


def test_full_disk_keeps_the_old_image(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    old = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    write_image(path, old)

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_image(path, 255 - old)
    np.testing.assert_array_equal(read_image(path), old)
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="create the folder first"):
        write_image(tmp_path / "absent" / "a.png", np.zeros((4, 5), dtype=np.uint8))
