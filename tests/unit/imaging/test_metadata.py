"""Colour profile, EXIF and resolution go through every format that has a place for them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from restoreroute.imaging.io import read_image, read_picture, write_image
from restoreroute.imaging.metadata import NOTHING, Metadata, read_metadata

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY_ICC = ICC[:16] + b"GRAY" + ICC[20:]
SIZE = (6, 8)


def exif(orientation: int = 1) -> bytes:
    made = Image.Exif()
    made[ExifTags.Base.Orientation] = orientation
    made[ExifTags.Base.Artist] = "somebody"
    made[ExifTags.IFD.Exif] = {ExifTags.Base.ExifImageWidth: 8}
    return made.tobytes().removeprefix(b"Exif\0\0")


def tag(data: bytes | None, name: int) -> Any:
    found = Image.Exif()
    found.load(data or b"")
    return found.get(name)


def pixels(*channels: int, dtype: Any = np.uint8) -> Any:
    return np.random.default_rng(0).integers(0, 255, (*SIZE, *channels)).astype(dtype)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_what_a_format_can_hold_comes_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"

    write_image(path, pixels(3), Metadata(icc=ICC, exif=exif(), dpi=(300, 150)))

    found = read_picture(path).metadata
    assert found.icc == (None if suffix == ".bmp" else ICC)
    assert tag(found.exif, ExifTags.Base.Artist) == (None if suffix in {".bmp", ".tif"} else "somebody")
    if suffix != ".webp":
        assert found.dpi == pytest.approx((300, 150), rel=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (2,), (3,), (4,)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pixels_are_not_touched(tmp_path: Path, suffix: str, channels: tuple[int, ...], dtype: Any) -> None:
    path, image = tmp_path / f"a{suffix}", pixels(*channels, dtype=dtype)

    write_image(path, image, Metadata(icc=ICC if channels in {(3,), (4,)} else GREY_ICC, exif=exif(), dpi=(72, 72)))

    assert np.array_equal(read_image(path), image)
    assert read_picture(path).metadata.icc is not None


def test_files_of_others_are_read(tmp_path: Path) -> None:
    image = Image.fromarray(pixels(3))
    for name in ("a.png", "a.jpg", "a.webp"):
        image.save(tmp_path / name, icc_profile=ICC, exif=b"Exif\0\0" + exif(), dpi=(200, 200))
        found = read_picture(tmp_path / name).metadata
        assert found.icc == ICC
        assert tag(found.exif, ExifTags.Base.Artist) == "somebody"
    tifffile.imwrite(tmp_path / "a.tif", pixels(3), resolution=(100, 50), resolutionunit="CENTIMETER", iccprofile=ICC)
    assert read_picture(tmp_path / "a.tif").metadata == Metadata(icc=ICC, dpi=pytest.approx((254, 127)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_used_once(tmp_path: Path, orientation: int) -> None:
    given, again = tmp_path / "given.png", tmp_path / "again.png"
    Image.fromarray(pixels(3)).save(given, exif=b"Exif\0\0" + exif(orientation))

    picture = read_picture(given)
    write_image(again, picture.pixels, picture.metadata)

    assert np.array_equal(read_image(again), picture.pixels)
    assert tag(read_picture(again).metadata.exif, ExifTags.Base.Orientation) == 1


def test_sizes_in_exif_are_those_of_the_new_image(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", np.zeros((20, 30, 3), np.uint8), Metadata(exif=exif()))

    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 30


def test_a_profile_of_other_colours_is_left_out(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", pixels(), Metadata(icc=ICC))
    write_image(tmp_path / "b.webp", pixels(), Metadata(icc=GREY_ICC))  # there is no grey WebP

    assert read_picture(tmp_path / "a.png").metadata.icc is None
    assert read_picture(tmp_path / "b.webp").metadata.icc is None


@pytest.mark.parametrize("damage", [b"", b"\0" * 9, b"II*\0\xff\xff\xff\xff"])
def test_damaged_metadata_do_not_matter(tmp_path: Path, damage: bytes) -> None:
    write_image(tmp_path / "a.jpg", pixels(3), Metadata(exif=damage))

    assert read_image(tmp_path / "a.jpg").shape == (*SIZE, 3)
    assert read_metadata(damage) == NOTHING
    buffer = io.BytesIO()
    Image.fromarray(pixels(3)).save(buffer, "PNG")
    assert read_metadata(buffer.getvalue()[:40]) == NOTHING


def test_what_jpeg_can_not_hold_is_left_out(tmp_path: Path) -> None:
    long = Image.Exif()
    long[ExifTags.Base.ImageDescription] = "x" * 70_000
    data = long.tobytes().removeprefix(b"Exif\0\0")

    write_image(tmp_path / "a.jpg", pixels(3), Metadata(exif=data))
    write_image(tmp_path / "a.png", pixels(3), Metadata(exif=data, dpi=(10**6, 10**6)))

    assert read_picture(tmp_path / "a.jpg").metadata.exif is None
    assert tag(read_picture(tmp_path / "a.png").metadata.exif, ExifTags.Base.ImageDescription) == "x" * 70_000
    assert read_picture(tmp_path / "a.png").metadata.dpi is None
