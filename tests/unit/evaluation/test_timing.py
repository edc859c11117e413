"""Ways that are timed give what they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from restoreroute.evaluation import timing
from restoreroute.evaluation.timing import in_turn, ways
from restoreroute.inference.engine import restore_whole
from restoreroute.inference.seamless import Planner
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
    whole = restore_whole(model.branches[-1], image)
    scale = model.branches.scale
    cut = 12 * ((53 - PATCH) // 12) + PATCH, 12 * ((70 - PATCH) // 12) + PATCH

    torch.testing.assert_close(found[timing.TILES], whole, rtol=0, atol=1e-5)
    assert torch.equal(found[timing.WHOLE], whole)
    assert found[timing.SEAMLESS].shape == whole.shape
    for name in (timing.PATCHES, timing.LOOP, timing.CLASSSR):
        assert found[name].shape == (3, cut[0] * scale, cut[1] * scale)
    torch.testing.assert_close(found[timing.LOOP], found[timing.CLASSSR], rtol=0, atol=1.01 / 255)


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
