"""Sub-images cut from pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from restoreroute.data.pairs import Pair, PairCache
from restoreroute.data.patch_index import index_sub_images
from restoreroute.data.sub_images import VARIANTS, SubImages, as_tensor, batches, turned
from restoreroute.imaging.color import to_float
from restoreroute.spec.events import ignore
from restoreroute.spec.plan import TaskPlan

MakePlan = Callable[..., TaskPlan]
SIDE, STEP = 4, 3


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
    return SubImages(pairs=pairs, index=index_sub_images(sizes, side=SIDE, step=STEP), task=task.bound)


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
    degraded, clean = subs.read(positions, np.random.default_rng(0))
    assert degraded.dtype == clean.dtype == np.float32
    assert degraded.shape == (4, SIDE, SIDE, 3)
    assert clean.shape == (4, SIDE * scale, SIDE * scale, 3)
    for position, small, large in zip(positions, degraded, clean, strict=True):
        image = subs.index.image[position]
        y, x = int(subs.index.y[position]), int(subs.index.x[position])
        whole = subs.pairs[image].degraded
        assert whole is not None
        np.testing.assert_array_equal(small, whole[y : y + SIDE, x : x + SIDE])
        rows, columns = slice(y * scale, (y + SIDE) * scale), slice(x * scale, (x + SIDE) * scale)
        np.testing.assert_array_equal(large, to_float(images[image])[rows, columns])


def test_images_of_eight_and_sixteen_bits_meet_in_one_batch(plan: MakePlan) -> None:
    white8 = np.full((8, 8, 3), 255, np.uint8)
    white16 = np.full((8, 8, 3), 65535, np.uint16)
    subs = cut(plan(), white8, white16)
    _, clean = subs.read(np.arange(2), np.random.default_rng(0))
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
    degraded, clean = subs.read(positions, np.random.default_rng(1), augment=True)
    np.testing.assert_allclose(degraded, 1 - clean[:, ::2, ::2], rtol=0, atol=1e-6)
    variants, counts = np.unique(degraded.reshape(200, -1), axis=0, return_counts=True)
    assert len(variants) == 8
    assert counts.min() >= 10  # 25 expected


def test_without_augmentation_nothing_is_drawn(plan: MakePlan) -> None:
    subs = cut(plan(), draw(16, 16, 3))
    generator = np.random.default_rng(3)
    first = subs.read(np.arange(4), generator)
    second = subs.read(np.arange(4), generator)
    np.testing.assert_array_equal(first[0], second[0])
    assert generator.random() == np.random.default_rng(3).random()


def test_a_random_task_is_decided_by_the_iteration(plan: MakePlan) -> None:
    task = plan(scale=1, random=True, degraded_bits=None)
    subs = cut(task, draw(12, 12, 3))
    everything = np.arange(len(subs.index))

    def fetch(seed: int) -> Callable[[int], Any]:
        return batches(subs, chosen=everything, batch=5, seed=seed, augment=True)

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
    batch = batches(subs, chosen=chosen, batch=3, seed=0, augment=False)(0)
    _, expected = subs.read(chosen, np.random.default_rng(0))
    got = sorted(image.tobytes() for image in batch.clean.permute(0, 2, 3, 1).contiguous().numpy())
    assert got == sorted(image.tobytes() for image in expected)


def test_batches_are_channels_last_tensors(plan: MakePlan) -> None:
    subs = cut(plan(scale=2), draw(16, 16, 3))
    batch = batches(subs, chosen=np.arange(4), batch=3, seed=0, augment=True)(0)
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
    degraded, clean = SubImages(pairs=pairs, index=index, task=task.bound).read(
        np.arange(len(index)), np.random.default_rng(0)
    )
    np.testing.assert_allclose(degraded, 1 - clean[:, ::2, ::2], rtol=0, atol=1e-6)
