"""Pairs of clean and degraded images, and their cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from restoreroute.data import pairs as module
from restoreroute.data.pairs import Pair, PairCache, fingerprint, read_clean
from restoreroute.errors import InputError
from restoreroute.imaging.color import from_float, to_float
from restoreroute.imaging.io import read_image
from restoreroute.imaging.resize import resize
from restoreroute.spec.events import WorkProgress, ignore
from restoreroute.spec.plan import TaskPlan

MakePlan = Callable[..., TaskPlan]
WriteImage = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a" / "cache"


@pytest.fixture
def load(folder: Path) -> Callable[..., list[Pair]]:
    def run(task: TaskPlan, *files: Path, clean_scales: tuple[float, ...] = (1.0,)) -> list[Pair]:
        return PairCache(folder, task).load(files, clean_scales=clean_scales, listen=ignore, step="read")

    return run


Load = Callable[..., list[Pair]]


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, decoding an image fails the test."""

    def forbid() -> None:
        monkeypatch.setattr(module, "read_image", lambda path: pytest.fail(f"{path} was decoded again"))

    return forbid


def test_degraded_is_what_the_task_makes_of_clean(plan: MakePlan, image: WriteImage, load: Load) -> None:
    file, task = image("a.png", 10, 12, 3), plan()
    (pair,) = load(task, file)
    assert pair.file == file
    np.testing.assert_array_equal(pair.clean, read_image(file))
    expected = plan().bound.degrade(to_float(np.asarray(pair.clean)), np.random.default_rng(0))
    assert pair.degraded is not None
    assert pair.degraded.dtype == np.uint8
    np.testing.assert_array_equal(to_float(np.asarray(pair.degraded)), expected)
    np.testing.assert_array_equal(pair.degraded_image(task.bound, seed=1), expected)
    assert pair.degraded_size(2) == pair.degraded.shape[:2] == (5, 6)


def test_degraded_values_that_are_any_float_stay_floats(plan: MakePlan, image: WriteImage, load: Load) -> None:
    task = plan(degraded_bits=None)
    (pair,) = load(task, image("a.png", 10, 12, 3))
    assert pair.degraded is not None
    assert pair.degraded.dtype == np.float32
    expected = task.bound.degrade(to_float(np.asarray(pair.clean)), np.random.default_rng(0))
    np.testing.assert_array_equal(pair.degraded, expected)


def test_a_random_task_keeps_the_clean_image_only(plan: MakePlan, image: WriteImage, load: Load, folder: Path) -> None:
    task = plan(random=True, scale=1, degraded_bits=None)
    (pair,) = load(task, image("a.png", 9, 7, 3))
    assert pair.degraded is None
    assert task.bound.calls == []
    assert len(list(folder.iterdir())) == 1
    one = pair.degraded_image(task.bound, seed=3)
    np.testing.assert_array_equal(one, pair.degraded_image(task.bound, seed=3))
    assert not np.array_equal(one, pair.degraded_image(task.bound, seed=4))


@pytest.mark.parametrize(
    ("height", "width", "side", "rows", "columns"),
    [
        (24, 32, 8, (8, 16), (12, 20)),
        (24, 32, 9, (8, 16), (12, 20)),  # rounded down to the scale
        (26, 30, 8, (8, 16), (10, 18)),  # on the grid of degraded pixels, the odd one at right and bottom
        (24, 32, 28, (0, 24), (2, 30)),  # no larger in one direction
        (24, 32, 999, (0, 24), (0, 32)),
    ],
)
def test_the_centre(
    plan: MakePlan,
    image: WriteImage,
    load: Load,
    height: int,
    width: int,
    side: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> None:
    (pair,) = load(plan(scale=2), image("a.png", height, width, 3))
    centre = pair.centre(side, 2)
    assert centre.file == pair.file
    np.testing.assert_array_equal(centre.clean, pair.clean[slice(*rows), slice(*columns)])
    assert centre.degraded is not None
    assert pair.degraded is not None
    small = [slice(first // 2, last // 2) for first, last in (rows, columns)]
    np.testing.assert_array_equal(centre.degraded, pair.degraded[small[0], small[1]])
    assert centre.degraded_size(2) == centre.degraded.shape[:2]


def test_the_centre_of_a_random_task(plan: MakePlan, image: WriteImage, load: Load) -> None:
    (pair,) = load(plan(random=True, scale=1, degraded_bits=None), image("a.png", 9, 12, 3))
    centre = pair.centre(5, 1)
    np.testing.assert_array_equal(centre.clean, pair.clean[2:7, 3:8])
    assert centre.degraded is None


def test_a_centre_of_nothing(plan: MakePlan, image: WriteImage, load: Load) -> None:
    (pair,) = load(plan(scale=4), image("a.png", 12, 12, 3))
    with pytest.raises(ValueError, match="a square of 3 pixels holds nothing at scale 4"):
        pair.centre(3, 4)


def test_a_random_degradation_is_fixed_by_seed_and_pixels(plan: MakePlan, image: WriteImage, load: Load) -> None:
    task = plan(random=True, scale=1, degraded_bits=None)
    one, renamed, other = load(task, image("a.png", 9, 7, 3), image("b.png", 9, 7, 3), image("c.png", 9, 7, 3, seed=1))
    reshaped = Pair(file=one.file, clean=np.asarray(one.clean).reshape(7, 9, 3), degraded=None)

    def noise(pair: Pair, seed: int = 3) -> NDArray[np.float32]:
        return pair.degraded_image(task.bound, seed=seed) - to_float(np.asarray(pair.clean))

    np.testing.assert_array_equal(noise(one), noise(renamed))
    for different in (noise(other), noise(one, seed=4), noise(reshaped).reshape(9, 7, 3)):
        assert np.abs(noise(one) - different).mean() > 0.05


def test_the_second_load_decodes_and_degrades_nothing(
    plan: MakePlan, image: WriteImage, load: Load, no_reading: Callable[[], None]
) -> None:
    files = [image("a.png", 8, 8, 3), image("b.png", 6, 4, 3, seed=1)]
    first = load(plan(), *files, clean_scales=(1.0, 0.5))
    no_reading()
    again = plan()
    second = load(again, *files, clean_scales=(1.0, 0.5))
    assert again.bound.calls == []
    assert len(first) == len(second) == 4
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.clean, other.clean)
        np.testing.assert_array_equal(one.degraded, other.degraded)


def test_arrays_are_mapped_not_loaded(plan: MakePlan, image: WriteImage, load: Load) -> None:
    (pair,) = load(plan(), image("a.png", 8, 8, 3))
    assert isinstance(pair.clean, np.memmap)
    assert isinstance(pair.degraded, np.memmap)
    assert not pair.clean.flags.writeable


@pytest.mark.parametrize("kind", ["clean", "degraded"])
@pytest.mark.parametrize(
    "damage", [b"", b"hello", b"\x93NUMPY\x01", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<u1',", "cut"]
)
def test_a_damaged_cache_file_is_made_again(
    plan: MakePlan, image: WriteImage, load: Load, folder: Path, kind: str, damage: bytes | str
) -> None:
    file = image("a.png", 8, 8, 3)
    expected = [np.array(array) for array in (load(plan(), file)[0].clean, load(plan(), file)[0].degraded)]
    (cached,) = folder.glob(f"*.{kind}.npy")
    cached.write_bytes(damage if isinstance(damage, bytes) else cached.read_bytes()[:-1])
    (pair,) = load(plan(), file)
    np.testing.assert_array_equal(pair.clean, expected[0])
    np.testing.assert_array_equal(pair.degraded, expected[1])
    assert len(list(folder.iterdir())) == 2


def test_a_missing_half_is_made_again(plan: MakePlan, image: WriteImage, load: Load, folder: Path) -> None:
    file = image("a.png", 8, 8, 3)
    load(plan(), file)
    next(folder.glob("*.degraded.npy")).unlink()
    (pair,) = load(plan(), file)
    assert pair.degraded is not None
    assert pair.degraded.shape == (4, 4, 3)


def test_the_cache_knows_what_it_depends_on(plan: MakePlan, image: WriteImage, load: Load, folder: Path) -> None:
    file = image("a.png", 8, 8, 3)
    load(plan(), file)
    for number, task in enumerate([plan(name="other"), plan(level=2)], start=2):
        load(task, file)
        assert len(list(folder.iterdir())) == 2 * number
    before = load(plan(), file)[0].clean.copy()
    image("a.png", 8, 8, 3, seed=5)
    os.utime(file, ns=(0, 0))  # a clock that is too coarse to see the change
    (pair,) = load(plan(), file)
    assert not np.array_equal(pair.clean, before)
    np.testing.assert_array_equal(pair.clean, read_image(file))


@pytest.mark.parametrize(
    ("name", "shape"), [("grey.png", (8, 6)), ("grey_alpha.png", (8, 6, 2)), ("rgba.png", (8, 6, 4))]
)
def test_colour_only_and_three_channels(plan: MakePlan, image: WriteImage, name: str, shape: tuple[int, ...]) -> None:
    file = image(name, *shape)
    pixels = read_image(file)
    clean = read_clean(file, plan().bound)
    assert clean.shape == (8, 6, 3)
    colour = pixels if pixels.ndim == 2 else pixels[..., 0]
    np.testing.assert_array_equal(clean[..., 0], colour)
    if len(shape) == 3 and shape[2] == 4:
        np.testing.assert_array_equal(clean, pixels[..., :3])
    else:
        np.testing.assert_array_equal(clean, np.repeat(colour[..., None], 3, axis=2))


def test_a_grey_image_stays_grey_for_a_task_of_one_channel(plan: MakePlan, image: WriteImage) -> None:
    assert read_clean(image("grey.png", 8, 6), plan(channels=1).bound).shape == (8, 6, 1)


def test_sixteen_bits_stay(plan: MakePlan, image: WriteImage, load: Load) -> None:
    file = image("deep.png", 8, 6, 3, dtype=np.uint16)
    (pair,) = load(plan(), file)
    assert pair.clean.dtype == np.uint16
    np.testing.assert_array_equal(pair.clean, read_image(file))
    assert pair.degraded is not None
    assert pair.degraded.dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_smaller_sizes_of_the_clean_image(plan: MakePlan, image: WriteImage, load: Load, dtype: type[np.uint8]) -> None:
    file = image("a.png", 20, 30, 3, dtype=dtype)
    full, reduced = load(plan(), file, clean_scales=(1.0, 0.7))
    assert full.clean.shape == (20, 30, 3)
    expected = from_float(resize(to_float(read_image(file)), 0.7), np.dtype(dtype))  # 14 x 21
    assert reduced.clean.dtype == dtype
    np.testing.assert_array_equal(reduced.clean, expected[:14, :20])


def test_pairs_come_file_by_file_with_progress(plan: MakePlan, image: WriteImage, folder: Path) -> None:
    files = [image("b.png", 8, 8, 3), image("a.png", 12, 8, 3)]
    seen: list[WorkProgress] = []
    made = PairCache(folder, plan()).load(files, clean_scales=(1.0, 0.5), listen=seen.append, step="read")
    assert [(pair.file.name, pair.clean.shape[0]) for pair in made] == [
        ("b.png", 8), ("b.png", 4), ("a.png", 12), ("a.png", 6),
    ]  # fmt: skip
    assert [(event.step, event.done, event.total) for event in seen] == [("read", done, 4) for done in range(5)]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sides_are_cut_to_multiples_of_the_scale(plan: MakePlan, image: WriteImage, scale: int) -> None:
    file = image("a.png", 11, 14, 3)
    clean = read_clean(file, plan(scale=scale).bound)
    height, width = 11 // scale * scale, 14 // scale * scale
    np.testing.assert_array_equal(clean, read_image(file)[:height, :width])


def test_an_image_below_one_degraded_pixel(plan: MakePlan, image: WriteImage, load: Load) -> None:
    file = image("thin.png", 3, 40, 3)
    with pytest.raises(InputError, match="is 40 x 3, smaller than one pixel after reduction by 4") as caught:
        load(plan(scale=4), file)
    assert caught.value.where == str(file)


def test_an_image_that_is_too_small_after_it_was_reduced(plan: MakePlan, image: WriteImage, load: Load) -> None:
    with pytest.raises(InputError, match="is 8 x 3, smaller than one pixel"):
        load(plan(scale=4), image("small.png", 6, 16, 3), clean_scales=(0.5,))


def test_what_is_no_image(tmp_path: Path, plan: MakePlan, load: Load, folder: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("hello")
    with pytest.raises(InputError, match=r"a\.png"):
        load(plan(), file)
    assert not folder.exists()


def test_fingerprint_changes_with_name_size_and_time(image: WriteImage) -> None:
    file, other = image("a.png", 8, 8, 3), image("b.png", 8, 8, 3)
    first = fingerprint([file, other])
    assert first == fingerprint([file, other])
    assert len({first, fingerprint([file]), fingerprint([other, file])}) == 3
    os.utime(file, ns=(0, 0))
    assert fingerprint([file, other]) != first
