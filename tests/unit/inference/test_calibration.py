"""Times of regions: what is measured, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from restoreroute.errors import InputError
from restoreroute.inference import calibration
from restoreroute.inference.calibration import Seconds, measure_seconds, planner_by_seconds
from restoreroute.inference.regions import BLOCK
from restoreroute.inference.seamless import Effort, Planner
from restoreroute.routing.model_file import Model

SHAPES = ["1 1", "1 2", "1 4", "1 8", "2 2", "2 4", "2 8", "4 4", "4 8", "8 8"]


def test_every_branch_is_timed_on_every_shape(model: Model) -> None:
    seen: list[tuple[int, int]] = []

    seconds = measure_seconds(model, torch.device("cpu"), progress=lambda done, total: seen.append((done, total)))

    assert list(seconds.regions) == [f"{branch} {shape}" for branch in range(3) for shape in SHAPES]
    assert all(taken > 0 for taken in seconds.regions.values())
    assert seconds.judging > 0
    assert seen[-1] == (124, 124)


def made_up(overhead: float) -> Seconds:
    """Cells take one second and regions some more; twice that on branch 1, three times on branch 2."""
    sides = [map(int, shape.split()) for shape in SHAPES]
    cells = {shape: rows * columns for shape, (rows, columns) in zip(SHAPES, sides, strict=True)}
    regions = {f"{branch} {shape}": (overhead + cells[shape]) * (branch + 1) for branch in range(3) for shape in SHAPES}
    return Seconds(halo=2, cell=12, judging=0.5, regions=regions)


@pytest.fixture
def times() -> Seconds:
    return made_up(3)


def test_prices_are_what_was_measured(times: Seconds) -> None:
    price = times.price()
    assert price(0, 1, 1) == 4
    assert price(1, 8, 4) == price(1, 4, 8) == 70
    along = [price(2, 3, columns) for columns in range(1, BLOCK + 1)]
    assert all(one < other for one, other in pairwise(along))
    assert price(0, 2, 3) == pytest.approx(11 * (28 * 40) / (28 * 52))


def test_shapes_that_were_too_large_are_priced_by_the_largest(times: Seconds) -> None:
    few = {name: seconds for name, seconds in times.regions.items() if name in ("0 1 1", "0 1 2", "0 2 2")}
    price = replace(times, regions=few).price()
    assert price(0, 2, 2) == 7
    assert price(0, 8, 4) == pytest.approx(7 * (100 * 52) / (28 * 28))


def test_large_regions_of_deep_networks_are_not_timed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    cheapest = Planner.by_operations(model).price
    monkeypatch.setattr(calibration, "LARGEST", cheapest(1, 2, 2))

    regions = measure_seconds(model, torch.device("cpu")).regions

    assert "0 2 2" in regions
    assert "1 2 2" in regions
    assert not {"1 4 4", "2 2 2", "2 8 8"} & set(regions)
    assert {"0 1 1", "1 1 1", "2 1 1"} <= set(regions)


def test_dear_overhead_makes_large_regions(model: Model) -> None:
    routes = np.zeros((BLOCK, BLOCK), dtype=np.int64)
    routes[:, :4] = routes[:2, 4:6] = 2
    side = BLOCK * model.stride
    counts = []
    for overhead in (0, 3, 1000):
        regions = planner_by_seconds(model, made_up(overhead)).merge(routes, side, side)
        assert (regions.cells >= routes).all()
        counts.append(len(regions.tiles))
    assert counts[0] > counts[1] > counts[2] == 1


def test_a_time_is_kept(model: Model, times: Seconds) -> None:
    planner = planner_by_seconds(model, times)
    scores = np.random.default_rng(0).dirichlet([1, 1, 1], size=(BLOCK, BLOCK))
    side = BLOCK * model.stride
    price = times.price()

    def spent(limit: float) -> float:
        routes = planner.route(scores, side, side, effort=Effort(seconds=limit))
        regions = planner.merge(routes, side, side)
        taken = 0.0
        for tile, branch in zip(regions.tiles, regions.route.tolist(), strict=True):
            taken += price(branch, tile.inside.height // model.stride, tile.inside.width // model.stride)
        return taken + routes.size * times.judging

    least, most = 67 + 32, 3 * 67 + 32
    assert spent(most) == most
    for limit in (100, 130, 170, 200):
        assert least <= spent(limit) <= limit
    with pytest.raises(InputError, match="the cheapest branch alone takes 99, more than 98 seconds"):
        spent(98)
    with pytest.raises(ValueError, match="needs measured prices"):
        Planner.by_operations(model).route(scores, side, side, effort=Effort(seconds=100))
