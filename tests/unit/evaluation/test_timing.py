"""Ways that are timed give what they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from restoreroute.evaluation import timing
from restoreroute.evaluation.breakdown import break_down
from restoreroute.evaluation.timing import in_turn, ways
from restoreroute.imaging.color import from_float
from restoreroute.inference.engine import restore_whole
from restoreroute.inference.seamless import Planner, operations_of_all
from restoreroute.routing.model_file import Model

PATCH, STRIDE = 16, 12


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(3, 53, 70, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def routes() -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.random.default_rng(0).integers(3, size=(5, 6))


def test_every_way_restores_the_image(
    model: Model, image: torch.Tensor, routes: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> None:
    found = {name: way() for name, way in ways(model, image, routes, Planner.by_operations(model)).items()}
    whole = from_float(restore_whole(model.branches[-1], image).permute(1, 2, 0).numpy(), np.uint8)
    scale = model.branches.scale
    cut = 12 * ((53 - PATCH) // 12) + PATCH, 12 * ((70 - PATCH) // 12) + PATCH

    assert np.array_equal(found[timing.WHOLE], whole)
    assert np.abs(found[timing.PLAIN].astype(int) - whole).max() <= 1
    assert np.abs(found[timing.TILES].astype(int) - whole).max() <= 1
    assert found[timing.SEAMLESS].shape == whole.shape
    for way, network in zip(timing.alone(model), model.branches, strict=True):
        alone = from_float(restore_whole(network, image).permute(1, 2, 0).numpy(), np.uint8)
        assert np.abs(found[way].astype(int) - alone).max() <= 1
    for name in (timing.PATCHES, timing.LOOP, timing.CLASSSR):
        assert found[name].shape == (cut[0] * scale, cut[1] * scale, 3)
    assert np.abs(found[timing.LOOP].astype(int) - found[timing.CLASSSR]).max() <= 1


def test_the_parts_of_the_seamless_way(
    model: Model, image: torch.Tensor, routes: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> None:
    planner = Planner.by_operations(model)
    regions = planner.merge(routes, 53, 70)

    found = break_down(planner, image, routes, rounds=2)

    assert list(found.seconds) == ["routing", "gather", "branches", "placing"]
    assert min(found.seconds.values()) > 0
    assert found.operations == operations_of_all(model, regions.tiles, regions.route)
    assert found.reached == found.operations / found.seconds["branches"]
    assert found.peak > 0


def test_ways_take_turns() -> None:
    calls: list[str] = []

    def way(name: str) -> Callable[[], torch.Tensor]:
        def run() -> torch.Tensor:
            calls.append(name)
            return torch.zeros(1)

        return run

    seen: list[tuple[int, int]] = []
    timings = in_turn({"a": way("a"), "b": way("b")}, rounds=2, progress=lambda done, total: seen.append((done, total)))

    assert calls == ["a", "b"] * 3
    assert {name: len(one.seconds) for name, one in timings.items()} == {"a": 2, "b": 2}
    assert seen[-1] == (6, 6)
