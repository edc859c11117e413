"""Reading files that others wrote, and files that are broken."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from restoreroute.errors import InputError
from restoreroute.imaging.io import read_image

PALETTE = [(10, 20, 30), (40, 50, 60), (70, 80, 90), (100, 110, 120)]
INDICES = np.array([[0, 1, 2], [3, 2, 1]], dtype=np.uint8)


@pytest.fixture
def photo(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def save(path: Path, image: Image.Image, **options: Any) -> NDArray[Any]:
    image.save(path, **options)
    return read_image(path)


def palette_image() -> Image.Image:
    image = Image.fromarray(INDICES).convert("P")
    image.putpalette([value for color in PALETTE for value in color])
    image.putdata(INDICES.ravel().tolist())
    return image


# --- kinds of images ---


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_palette_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    image = save(tmp_path / f"a{suffix}", palette_image())
    np.testing.assert_array_equal(image, np.array(PALETTE, dtype=np.uint8)[INDICES])


def test_palette_with_transparency_becomes_rgba(tmp_path: Path) -> None:
    image = save(tmp_path / "a.png", palette_image(), transparency=bytes([0, 128, 255, 7]))
    assert image.dtype == np.uint8
    assert image.shape == (2, 3, 4)
    np.testing.assert_array_equal(image[..., :3], np.array(PALETTE)[INDICES])
    np.testing.assert_array_equal(image[..., 3], np.array([0, 128, 255, 7])[INDICES])


def test_tiff_palette_with_alpha_becomes_rgba(tmp_path: Path) -> None:
    image = save(tmp_path / "a.tif", palette_image().convert("PA"))
    assert image.shape == (2, 3, 4)
    np.testing.assert_array_equal(image[..., :3], np.array(PALETTE)[INDICES])
    assert (image[..., 3] == 255).all()


def test_transparent_color_of_a_16_bit_png_becomes_alpha(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    row = b"\0" + struct.pack(">6H", 1, 2, 3, 4, 5, 60000)
    parts = [(b"IHDR", header), (b"tRNS", struct.pack(">3H", 1, 2, 3)), (b"IDAT", zlib.compress(row))]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in [*parts, (b"IEND", b"")])
    (tmp_path / "a.png").write_bytes(data)
    image = read_image(tmp_path / "a.png")
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, [[[1, 2, 3, 0], [4, 5, 60000, 65535]]])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_1_bit_becomes_8_bit(tmp_path: Path, suffix: str) -> None:
    bits = np.array([[True, False, True], [False, False, True]])
    image = save(tmp_path / f"a{suffix}", Image.fromarray(bits))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, bits * 255)


def test_16_bit_rgb_png_stays_16_bit(tmp_path: Path, rng: np.random.Generator) -> None:
    original = rng.integers(0, 65536, (9, 7, 3), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(original))
    image = read_image(tmp_path / "a.png")
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, original)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    ink = Image.new("CMYK", (16, 16), (255, 0, 128, 51))
    image = save(tmp_path / f"a{suffix}", ink)
    assert image.dtype == np.uint8
    assert image.shape == (16, 16, 3)
    np.testing.assert_allclose(image, np.broadcast_to([0, 204, 102], image.shape), atol=3)


def test_jpeg_is_decoded_as_pillow_does(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    image = save(tmp_path / "a.jpg", Image.fromarray(photo), quality=90)
    np.testing.assert_array_equal(image, np.asarray(Image.open(tmp_path / "a.jpg")))
    grey = save(tmp_path / "b.jpg", Image.fromarray(photo[..., 0]))
    assert grey.shape == (40, 50)


def test_jpeg_in_tiff(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    smooth = Image.fromarray(photo).resize((400, 300))
    image = save(tmp_path / "a.tif", smooth, compression="jpeg", quality=95)
    assert np.abs(image.astype(float) - np.asarray(smooth)).mean() < 4


def test_tiff_with_channels_apart(tmp_path: Path, rng: np.random.Generator) -> None:
    original = rng.integers(0, 65536, (3, 9, 7), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", original, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), original.transpose(1, 2, 0))


def test_tiff_of_12_bit_is_stretched_to_16(tmp_path: Path) -> None:
    original = np.array([[0, 2048, 4095]], dtype=np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, original, photometric="minisblack", bitspersample=12)
    np.testing.assert_array_equal(read_image(path), [[0, 32776, 65535]])


def test_jpeg_in_tiff_as_ycbcr(tmp_path: Path) -> None:
    color = np.full((64, 64, 3), (200, 100, 30), dtype=np.uint8)
    image = save(tmp_path / "a.tif", Image.fromarray(color).convert("YCbCr"), compression="jpeg")
    np.testing.assert_allclose(image, color, atol=3)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_big_endian_tiff_gives_native_numbers(tmp_path: Path, compression: str | None) -> None:
    original = np.array([[1, 256, 4095]], dtype=np.uint16)
    options: dict[str, Any] = {"byteorder": ">", "compression": compression}
    tifffile.imwrite(tmp_path / "a.tif", original, photometric="minisblack", **options)
    image = read_image(tmp_path / "a.tif")
    assert image.dtype == np.uint16
    assert image.dtype.isnative
    np.testing.assert_array_equal(image, original)


def test_tiff_with_white_as_0(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", INDICES, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), 255 - INDICES)


def test_tiff_with_premultiplied_alpha(tmp_path: Path) -> None:
    stored = np.array([[[50, 25, 0, 100], [0, 0, 0, 0], [200, 3, 7, 255]]], dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    expected = [[[128, 64, 0, 100], [0, 0, 0, 0], [200, 3, 7, 255]]]
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)


def test_first_page_of_a_tiff_and_first_frame_of_a_webp(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    pages = [Image.fromarray(photo), Image.fromarray(255 - photo)]
    options: dict[str, Any] = {"save_all": True, "append_images": pages[1:]}
    np.testing.assert_array_equal(save(tmp_path / "a.tif", pages[0], **options), photo)
    frame = save(tmp_path / "a.webp", pages[0], lossless=True, **options)
    np.testing.assert_array_equal(frame[..., :3], photo)


def test_contents_decide_and_not_the_suffix(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    image = save(tmp_path / "a.jpg", Image.fromarray(photo), format="PNG")
    np.testing.assert_array_equal(image, photo)


# --- orientation ---

CORNERS = np.array([[0, 80, 160], [40, 120, 200]], dtype=np.uint8)
UPRIGHT = {
    1: CORNERS,
    2: CORNERS[:, ::-1],
    3: CORNERS[::-1, ::-1],
    4: CORNERS[::-1],
    5: CORNERS.T,
    6: np.rot90(CORNERS, -1),
    7: np.rot90(CORNERS, 2).T,
    8: np.rot90(CORNERS),
    9: CORNERS,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_turned_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    blocks = np.kron(CORNERS, np.ones((16, 16), dtype=np.uint8))
    # each option is read by one format and passed over by the others
    options: dict[str, Any] = {"exif": exif, "lossless": True, "quality": 95}
    image = save(tmp_path / f"a{suffix}", Image.fromarray(blocks), **options)
    assert image.flags.c_contiguous
    sampled = image[8::16, 8::16] if image.ndim == 2 else image[8::16, 8::16, 0]
    np.testing.assert_allclose(sampled, UPRIGHT[orientation], atol=2)


def test_16_bit_png_with_orientation_after_the_picture(tmp_path: Path) -> None:
    original = CORNERS.astype(np.uint16) * 300
    exif = Image.Exif()
    exif[0x0112] = 6
    data = imagecodecs.png_encode(original)
    body, end = data[:-12], data[-12:]
    (tmp_path / "a.png").write_bytes(body + chunk(b"eXIf", exif.tobytes()[6:]) + end)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(original, -1))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_damaged_exif_does_not_matter(tmp_path: Path, suffix: str) -> None:
    image = save(tmp_path / f"a{suffix}", Image.fromarray(CORNERS), exif=b"Exif\0\0II*\0\xff\xff")
    assert image.shape[:2] == CORNERS.shape


# --- large images ---


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif"])
def test_pillow_s_pixel_limit_does_not_hold(
    tmp_path: Path, photo: NDArray[np.uint8], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(photo).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_image(path).shape == photo.shape
    assert Image.MAX_IMAGE_PIXELS == 100


def test_pillow_s_pixel_limit_comes_back_after_an_error(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    (tmp_path / "a.webp").write_bytes(b"RIFF\0\0\0\0WEBPVP8 ")
    with pytest.raises(InputError):
        read_image(tmp_path / "a.webp")
    assert limit == Image.MAX_IMAGE_PIXELS


def test_many_threads(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    Image.fromarray(photo).save(tmp_path / "a.webp", lossless=True)
    results: list[NDArray[Any]] = []

    def read() -> None:
        results.extend(read_image(tmp_path / "a.webp") for _ in range(10))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40
    assert all(np.array_equal(image, photo) for image in results)
    assert limit == Image.MAX_IMAGE_PIXELS


# --- refusals ---


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert caught.value.where == str(path)
    assert caught.value.hint
    return str(caught.value)


def test_absent(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "a.png")


def test_folder(tmp_path: Path) -> None:
    assert "is a folder, not an image" in refusal(tmp_path)


def test_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "can't be read: Permission denied" in refusal(tmp_path / "a.png")


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert "the file is empty" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("data", [b"Hello, this is text.", b"GIF89a" + bytes(20), b"\0" * 64, b"B"])
def test_no_image(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    message = refusal(tmp_path / "a.png")
    assert "is not an image of a known format" in message
    assert "PNG, JPEG, TIFF, WebP, BMP" in message


@pytest.mark.parametrize("name", ["a.png", "16.png", "a.jpg", "a.webp", "a.bmp", "a.tif", "lzw.tif"])
@pytest.mark.parametrize("part", [0.002, 0.1, 0.5, 0.9])
def test_cut_off(tmp_path: Path, photo: NDArray[np.uint8], name: str, part: float) -> None:
    path = tmp_path / name
    if name == "16.png":
        path.write_bytes(imagecodecs.png_encode(photo.astype(np.uint16) * 257))
    elif name == "lzw.tif":
        tifffile.imwrite(path, photo, photometric="rgb", compression="lzw")
    else:
        Image.fromarray(photo).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: max(12, int(part * len(data)))])
    assert "data are damaged or cut off: " in refusal(path)


def test_flipped_bits(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    data = bytearray(imagecodecs.png_encode(photo))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "a.png").write_bytes(data)
    message = refusal(tmp_path / "a.png")
    assert "the PNG data are damaged or cut off: IDAT: " in message


MAGIC = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"RIFF\0\0\0\0WEBP", b"BM"]


@given(magic=st.sampled_from(MAGIC), rest=st.binary(max_size=200))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rubbish_gives_no_other_error(tmp_path: Path, magic: bytes, rest: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(magic + rest)
    try:
        image = read_image(path)
    except InputError as error:
        assert error.where == str(path)  # noqa: PT017 - a sound image is fine too
    else:
        assert image.dtype in (np.uint8, np.uint16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint32])
def test_tiff_of_other_types(tmp_path: Path, dtype: type[np.float32]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((4, 5), dtype=dtype), photometric="minisblack")
    message = refusal(path)
    assert f"is a TIFF with values of type {np.dtype(dtype)}" in message
    assert "convert it to 8 or 16 bit" in message


def test_tiff_of_other_color_spaces(tmp_path: Path) -> None:
    Image.new("LAB", (4, 5)).save(tmp_path / "a.tif")
    assert "3 channels of colour space CIELAB" in refusal(tmp_path / "a.tif")


def test_tiff_of_many_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"photometric": "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(path, np.zeros((8, 9, 6), dtype=np.uint8), **options)
    assert "6 channels" in refusal(path)


def test_tiff_of_a_volume(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"photometric": "minisblack", "volumetric": True, "tile": (4, 16, 16)}
    tifffile.imwrite(path, np.zeros((4, 16, 16), dtype=np.uint8), **options)
    assert "is a TIFF with axes ZYX (export one flat picture)" in refusal(path)


def test_too_large_for_memory(tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    def exhaust(data: bytes) -> None:
        raise MemoryError

    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG")
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    monkeypatch.setattr(imagecodecs, "png_decode", exhaust)
    assert "does not fit into memory" in refusal(tmp_path / "a.png")
