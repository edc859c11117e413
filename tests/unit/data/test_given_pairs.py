"""Pairs whose degraded image comes with the data."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from restoreroute.data import pairs as module
from restoreroute.data.pairs import Pair, PairCache, fingerprint
from restoreroute.data.patch_index import index_sub_images
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.imaging.io import read_image
from restoreroute.spec.events import ignore
from restoreroute.spec.plan import TaskPlan
from restoreroute.spec.source import ImagePair

MakePlan = Callable[..., TaskPlan]
WriteImage = Callable[..., Path]
Load = Callable[..., list[Pair]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def run(task: TaskPlan, *pairs: ImagePair | Path, clean_scales: tuple[float, ...] = (1.0,)) -> list[Pair]:
        return PairCache(tmp_path / "cache", task).load(pairs, clean_scales=clean_scales, listen=ignore, step="read")

    return run


@pytest.fixture
def pair(image: WriteImage) -> ImagePair:
    """At scale 2; neither is what the tests' task would make."""
    return ImagePair(clean=image("clean.png", 12, 16, 3), degraded=image("degraded.png", 6, 8, 3, seed=1))


@pytest.mark.parametrize("random", [False, True])
def test_the_degraded_image_is_used_as_it_is(plan: MakePlan, pair: ImagePair, load: Load, random: bool) -> None:
    task = plan(random=random)

    (made,) = load(task, pair)

    assert made.file == pair.clean
    assert made.degraded is not None
    np.testing.assert_array_equal(made.clean, read_image(pair.clean))
    np.testing.assert_array_equal(made.degraded, read_image(pair.degraded))
    np.testing.assert_array_equal(made.degraded_image(task.bound, seed=5), np.float32(made.degraded) / np.float32(255))
    assert task.bound.calls == []


def test_sub_images_of_a_random_task_are_cut_from_it(plan: MakePlan, pair: ImagePair, load: Load) -> None:
    task = plan(random=True)
    index = index_sub_images([(6, 8)], side=3, step=3)

    batch = SubImages.of(load(task, pair), index, task.bound).read(np.arange(len(index)), np.random.default_rng(0))

    degraded, clean = batch.arrays()
    np.testing.assert_allclose(degraded[1], read_image(pair.degraded)[:3, 3:6] / 255, rtol=0, atol=1e-6)
    np.testing.assert_allclose(clean[1], read_image(pair.clean)[:6, 6:12] / 255, rtol=0, atol=1e-6)
    assert task.bound.calls == []


def test_each_keeps_its_depth(plan: MakePlan, image: WriteImage, load: Load) -> None:
    deep = image("deep.png", 6, 8, 3, dtype=np.uint16)
    pairs = [
        ImagePair(clean=image("clean.tif", 12, 16, 3, dtype=np.uint16), degraded=image("small.png", 6, 8, 3)),
        ImagePair(clean=image("clean.png", 12, 16, 3), degraded=deep),
    ]

    one, two = load(plan(), *pairs)

    assert (one.clean.dtype, one.degraded.dtype) == (np.uint16, np.uint8)
    assert (two.clean.dtype, two.degraded.dtype) == (np.uint8, np.uint16)
    np.testing.assert_array_equal(two.degraded, read_image(deep))


@pytest.mark.parametrize(("channels", "shape"), [(1, (6, 8, 1)), (3, (6, 8, 3))])
def test_channels_are_the_tasks(
    plan: MakePlan, image: WriteImage, load: Load, channels: int, shape: tuple[int, ...]
) -> None:
    pair = ImagePair(clean=image("rgb.png", 12, 16, 3), degraded=image("grey.png", 6, 8))
    turned = ImagePair(clean=image("grey2.png", 12, 16), degraded=image("rgba.png", 6, 8, 4))

    loaded = load(plan(channels=channels), pair, turned)

    assert [each.degraded.shape for each in loaded if each.degraded is not None] == [shape, shape]


def test_less_than_a_degraded_pixel_is_cut_off(plan: MakePlan, image: WriteImage, load: Load) -> None:
    clean = image("clean.png", 13, 17, 3)

    (made,) = load(plan(), ImagePair(clean=clean, degraded=image("degraded.png", 6, 8, 3)))

    np.testing.assert_array_equal(made.clean, read_image(clean)[:12, :16])


@pytest.mark.parametrize(
    ("clean", "degraded", "found", "expected", "hint"),
    [
        ((12, 16), (4, 5), "5 x 4", "8 x 6", "they are of scale 3: set the task's"),
        ((12, 16), (12, 16), "16 x 12", "8 x 6", "they are of scale 1: set the task's"),
        (
            (12, 16),
            (24, 32),
            "32 x 24",
            "8 x 6",
            "the degraded image is the larger one: are the two folders exchanged?",
        ),
        ((12, 16), (6, 7), "7 x 6", "8 x 6", "cut both to the same part of the picture"),
        ((15, 16), (6, 8), "8 x 6", "8 x 7", "cut both to the same part of the picture"),
    ],
)
def test_sizes_that_are_not_of_the_scale(
    plan: MakePlan,
    image: WriteImage,
    load: Load,
    clean: tuple[int, int],
    degraded: tuple[int, int],
    found: str,
    expected: str,
    hint: str,
) -> None:
    pair = ImagePair(clean=image("clean.png", *clean, 3), degraded=image("degraded.png", *degraded, 3))

    with pytest.raises(InputError) as caught:
        load(plan(), pair)

    assert caught.value.where == str(pair.degraded)
    assert caught.value.hint == hint
    assert caught.value.what == (
        f"is {found}, and its clean image {pair.clean} is {clean[1]} x {clean[0]}: at scale 2 the degraded one has to "
        f"be {expected}"
    )


def test_a_pair_is_read_once(plan: MakePlan, pair: ImagePair, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = load(plan(), pair)
    monkeypatch.setattr(module, "read_image", lambda path: pytest.fail(f"{path} was decoded again"))

    (second,) = load(plan(), pair)

    np.testing.assert_array_equal(first.degraded, second.degraded)


@pytest.mark.parametrize("changed", ["clean", "degraded"])
def test_a_changed_file_is_read_anew(
    plan: MakePlan, pair: ImagePair, load: Load, image: WriteImage, changed: str
) -> None:
    load(plan(), pair)
    before = fingerprint([pair])
    file: Path = getattr(pair, changed)
    image(file.name, *read_image(file).shape, seed=9)
    os.utime(file, ns=(1, 1))

    (made,) = load(plan(), pair)

    np.testing.assert_array_equal(getattr(made, changed), read_image(file))
    assert fingerprint([pair]) != before


def test_another_degraded_file_is_another_pair(plan: MakePlan, pair: ImagePair, load: Load, image: WriteImage) -> None:
    other = replace(pair, degraded=image("other.png", 6, 8, 3, seed=2))

    one, two, made = load(plan(), pair, other, pair.clean)

    assert one.degraded is not None
    assert not np.array_equal(one.degraded, two.degraded)
    assert not np.array_equal(one.degraded, made.degraded), "what the task makes is no pair's"
    assert fingerprint([pair]) != fingerprint([other]) != fingerprint([pair.clean])


def test_a_task_that_degrades_nothing(plan: MakePlan, pair: ImagePair, load: Load) -> None:
    made = plan()
    task = replace(made, offer=replace(made.offer, degrades=False))

    assert load(task, pair)[0].degraded is not None
    with pytest.raises(InputError, match="comes without a degraded image, and task 'fake' makes none") as caught:
        load(task, pair.clean)
    assert caught.value.where == str(pair.clean)


def test_pairs_are_of_one_size(plan: MakePlan, pair: ImagePair, load: Load) -> None:
    with pytest.raises(ValueError, match=r"is of one size, not 0\.5 of it"):
        load(plan(), pair, clean_scales=(1.0, 0.5))


def test_a_degraded_file_that_is_no_image(plan: MakePlan, pair: ImagePair, load: Load) -> None:
    pair.degraded.write_bytes(b"text")

    with pytest.raises(InputError) as caught:
        load(plan(), pair)

    assert caught.value.where == str(pair.degraded)
