"""Sub-images cut from pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from restoreroute.data.images import ResidentImages, SlicedImages
from restoreroute.data.pairs import Pair, PairCache
from restoreroute.data.patch_index import index_sub_images
from restoreroute.data.places import VARIANTS, turned
from restoreroute.data.sub_images import NO_AUGMENTATION, Augmentation, SubImages, as_tensor, batches, resident
from restoreroute.imaging.color import to_float
from restoreroute.spec.events import ignore
from restoreroute.spec.plan import TaskPlan

MakePlan = Callable[..., TaskPlan]
SIDE, STEP = 4, 3
TURNED = Augmentation(turn=True)
SHUFFLED = Augmentation(shuffle_colours=True)
CPU = torch.device("cpu")


def cut(task: TaskPlan, *clean: NDArray[Any]) -> SubImages:
    """Sub-images of clean images in memory."""
    pairs = [
        Pair(
            file=Path("none"),
            clean=image,
            degraded=None if task.bound.random else task.bound.degrade(to_float(image), np.random.default_rng(0)),
        )
        for image in clean
    ]
    sizes = [pair.degraded_size(task.bound.scale) for pair in pairs]
    return SubImages.of(pairs, index_sub_images(sizes, side=SIDE, step=STEP), task.bound)


def draw(*shape: int, dtype: type[np.unsignedinteger[Any]] = np.uint8) -> NDArray[Any]:
    return np.random.default_rng(5).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(one, other)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_crops_equal_slices(plan: MakePlan, scale: int) -> None:
    task = plan(scale=scale)
    images = [draw(8 * scale, 10 * scale, 3), draw(5 * scale, 4 * scale, 3)]
    subs = cut(task, *images)
    assert len(subs.index) == 6 + 1
    positions = np.array([6, 0, 3, 3])
    degraded, clean = subs.read(positions, np.random.default_rng(0)).arrays()
    assert degraded.dtype == clean.dtype == np.float32
    assert degraded.shape == (4, SIDE, SIDE, 3)
    assert clean.shape == (4, SIDE * scale, SIDE * scale, 3)
    for position, small, large in zip(positions, degraded, clean, strict=True):
        image = subs.index.image[position]
        y, x = int(subs.index.y[position]), int(subs.index.x[position])
        assert isinstance(subs.degraded, SlicedImages)
        whole = subs.degraded.arrays[image]
        np.testing.assert_array_equal(small, whole[y : y + SIDE, x : x + SIDE])
        rows, columns = slice(y * scale, (y + SIDE) * scale), slice(x * scale, (x + SIDE) * scale)
        np.testing.assert_array_equal(large, to_float(images[image])[rows, columns])


def test_images_of_eight_and_sixteen_bits_meet_in_one_batch(plan: MakePlan) -> None:
    white8 = np.full((8, 8, 3), 255, np.uint8)
    white16 = np.full((8, 8, 3), 65535, np.uint16)
    subs = cut(plan(), white8, white16)
    _, clean = subs.read(np.arange(2), np.random.default_rng(0)).arrays()
    np.testing.assert_array_equal(clean, np.ones_like(clean))


def test_the_eight_variants_are_distinct() -> None:
    image = np.arange(12).reshape(2, 2, 3)
    seen = {turned(image, variant).tobytes() for variant in range(VARIANTS)}
    assert len(seen) == VARIANTS == 8
    np.testing.assert_array_equal(turned(image, 0), image)
    for variant in range(VARIANTS):  # pixels move as a whole
        assert sorted(turned(image, variant).reshape(4, 3).tolist()) == image.reshape(4, 3).tolist()


def test_degraded_and_clean_are_turned_alike(plan: MakePlan) -> None:
    # the fake task takes every other pixel: after a turn that is another of the four, so the image repeats them
    task = plan(scale=2)
    subs = cut(task, draw(4, 4, 3).repeat(2, axis=0).repeat(2, axis=1))
    positions = np.zeros(200, dtype=np.int64)
    degraded, clean = subs.read(positions, np.random.default_rng(1), augmentation=TURNED).arrays()
    np.testing.assert_allclose(degraded, 1 - clean[:, ::2, ::2], rtol=0, atol=1e-6)
    variants, counts = np.unique(degraded.reshape(200, -1), axis=0, return_counts=True)
    assert len(variants) == 8
    assert counts.min() >= 10  # 25 expected


def test_without_augmentation_nothing_is_drawn(plan: MakePlan) -> None:
    subs = cut(plan(), draw(16, 16, 3))
    generator = np.random.default_rng(3)
    first = subs.read(np.arange(4), generator)
    second = subs.read(np.arange(4), generator)
    assert same(first.degraded, second.degraded)
    assert generator.random() == np.random.default_rng(3).random()


def test_a_random_task_is_decided_by_the_iteration(plan: MakePlan) -> None:
    task = plan(scale=1, random=True, degraded_bits=None)
    subs = cut(task, draw(12, 12, 3))
    everything = np.arange(len(subs.index))

    def fetch(seed: int) -> Callable[[int], Any]:
        return batches(subs, chosen=everything, batch=5, seed=seed, augmentation=TURNED)

    forwards = [fetch(1)(iteration) for iteration in range(4)]
    backwards = [fetch(1)(iteration) for iteration in reversed(range(4))][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert same(one.degraded, other.degraded)
        assert same(one.clean, other.clean)
    assert not same(forwards[0].degraded, fetch(2)(0).degraded)
    noise = forwards[0].degraded - forwards[0].clean
    assert 0.05 < noise.std() < 0.15
    assert not same(noise[0], noise[1])


def test_batches_draw_from_the_chosen_only(plan: MakePlan) -> None:
    subs = cut(plan(scale=1), draw(13, 13, 3))
    chosen = np.array([2, 7, 11])
    batch = batches(subs, chosen=chosen, batch=3, seed=0, augmentation=NO_AUGMENTATION)(0)
    _, expected = subs.read(chosen, np.random.default_rng(0)).arrays()
    got = sorted(image.tobytes() for image in batch.clean.permute(0, 2, 3, 1).contiguous().numpy())
    assert got == sorted(image.tobytes() for image in expected)


def test_batches_are_channels_last_tensors(plan: MakePlan) -> None:
    subs = cut(plan(scale=2), draw(16, 16, 3))
    batch = batches(subs, chosen=np.arange(4), batch=3, seed=0, augmentation=TURNED)(0)
    assert batch.degraded.shape == (3, 3, SIDE, SIDE)
    assert batch.clean.shape == (3, 3, 2 * SIDE, 2 * SIDE)
    for tensor in (batch.degraded, batch.clean):
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous(memory_format=torch.channels_last)
    moved = batch.to(torch.device("cpu"))
    assert same(moved.degraded, batch.degraded)


def test_arrays_that_may_not_be_written_to(plan: MakePlan, tmp_path: Path) -> None:
    # mapped from the cache, for example; torch would warn
    image = np.zeros((1, 2, 3, 3), np.float32)
    image.flags.writeable = False
    assert as_tensor(image).shape == (1, 3, 2, 3)
    writeable = np.zeros((1, 2, 3, 3), np.float32)
    as_tensor(writeable)[0, 0, 0, 0] = 1
    assert writeable[0, 0, 0, 0] == 1


def test_sub_images_of_cached_pairs(plan: MakePlan, image: Callable[..., Path], tmp_path: Path) -> None:
    task = plan(scale=2)
    file = image("a.png", 16, 20, 3)
    pairs = PairCache(tmp_path / "cache", task).load([file], clean_scales=(1.0,), listen=ignore, step="read")
    index = index_sub_images([pairs[0].degraded_size(2)], side=SIDE, step=SIDE)
    subs = SubImages.of(pairs, index, task.bound)
    degraded, clean = subs.read(np.arange(len(index)), np.random.default_rng(0)).arrays()
    np.testing.assert_allclose(degraded, 1 - clean[:, ::2, ::2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [1, 2])
def test_images_in_one_tensor_give_the_same_batches(
    plan: MakePlan, scale: int, dtype: type[np.unsignedinteger[Any]]
) -> None:
    """As they are gathered on a GPU, here on the CPU."""
    task = plan(scale=scale)
    images = [draw(12 * scale, 10 * scale, 3, dtype=dtype), draw(9 * scale, 14 * scale, 3)]
    sliced = cut(task, *images)
    assert isinstance(sliced.clean, SlicedImages)
    assert isinstance(sliced.degraded, SlicedImages)
    gathered = replace(
        sliced,
        clean=ResidentImages(sliced.clean.arrays, CPU),
        degraded=ResidentImages(sliced.degraded.arrays, CPU),
    )
    positions = np.arange(len(sliced.index))
    one, other = (
        subs.read(positions, np.random.default_rng(3), augmentation=Augmentation(turn=True, shuffle_colours=True))
        for subs in (sliced, gathered)
    )
    assert same(one.degraded, other.degraded)
    assert same(one.clean, other.clean)


def test_images_that_fit_are_held_in_memory_and_others_are_not(
    plan: MakePlan, image: Callable[..., Path], tmp_path: Path
) -> None:
    task = plan(scale=2)
    pairs = PairCache(tmp_path / "cache", task).load(
        [image("a.png", 16, 20, 3)], clean_scales=(1.0,), listen=ignore, step="read"
    )
    index = index_sub_images([pairs[0].degraded_size(2)], side=SIDE, step=SIDE)
    needed = 16 * 20 * 3 + 8 * 10 * 3

    assert resident(pairs, index, task.bound, device=CPU, memory=needed - 1) is None
    held = resident(pairs, index, task.bound, device=CPU, memory=needed)
    assert held is not None
    assert isinstance(held.clean, SlicedImages)
    assert not isinstance(held.clean.arrays[0], np.memmap)
    mapped = SubImages.of(pairs, index, task.bound)
    positions = np.arange(len(index))
    assert same(
        held.read(positions, np.random.default_rng(0)).clean, mapped.read(positions, np.random.default_rng(0)).clean
    )


def test_larger_sub_images_lie_around_the_same_places(plan: MakePlan) -> None:
    subs = cut(plan(scale=1), draw(13, 13, 3), draw(5, 30, 3))
    larger, there = subs.around(8)

    assert larger.index.side == 8
    of_first = subs.index.image == 0
    assert there.tolist() == of_first.tolist()  # the second image is too low
    np.testing.assert_array_equal(larger.index.y[of_first], np.clip(subs.index.y[of_first] - 2, 0, 5))
    np.testing.assert_array_equal(larger.index.x[of_first], np.clip(subs.index.x[of_first] - 2, 0, 5))
    middle = int(np.flatnonzero((subs.index.y == 3) & (subs.index.x == 6) & of_first)[0])
    wide = larger.read(np.array([middle]), np.random.default_rng(0)).clean
    narrow = subs.read(np.array([middle]), np.random.default_rng(0)).clean
    assert same(wide[:, :, 2:6, 2:6], narrow)


def test_colours_are_put_in_any_order_alike(plan: MakePlan) -> None:
    flat = np.broadcast_to(np.array([10, 120, 240], np.uint8), (4, 4, 3)).copy()
    subs = cut(plan(scale=1, degraded_bits=8), flat)
    batch = subs.read(np.zeros(60, dtype=np.int64), np.random.default_rng(0), augmentation=SHUFFLED)
    orders = {tuple(round(value * 255) for value in colours.tolist()) for colours in batch.clean[:, :, 0, 0]}
    assert orders == set(permutations((10, 120, 240)))
    torch.testing.assert_close(batch.degraded, 1 - batch.clean, rtol=0, atol=1e-6)
