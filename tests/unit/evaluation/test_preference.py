"""The preference for cheap branches is the cheapest route within a bound."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from restoreroute.data.pairs import Pair
from restoreroute.data.sub_images import as_tensor
from restoreroute.evaluation import preference
from restoreroute.evaluation.preference import Cells, choose, measure_cells, measure_preference, preference_curve
from restoreroute.evaluation.validation import Validator
from restoreroute.imaging.color import to_float
from restoreroute.inference.engine import restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.tiles import cell_tiles
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import at_speed, fixed
from restoreroute.spec.results import PreferenceCurve, PreferencePoint

PATCH, STRIDE, SCALE = 16, 12, 2
COSTS, FULL = (2.0, 4.0), 3.0
"""Branches of 1 and 3 operations and a Class-Module of 1: the dear branch is left where p1 / p0 <= 2**speed."""
SCORES = np.array([[8, 1], [2, 1], [1, 2], [1, 8]]) / [[9], [3], [3], [9]]
"""The first cell takes the cheap branch from speed -3 on, the others from -1, 1 and 3."""
SHARES = [4 / 3, 3.5 / 3, 1, 2.5 / 3, 2 / 3]
"""By how many cells take the cheap branch."""


def photo(cheap: list[float], dear: list[float], scores: NDArray[np.floating] = SCORES, *, values: int) -> Cells:
    return Cells(scores=scores, errors=np.stack([cheap, dear], axis=1), values=values)


@pytest.fixture
def curve() -> PreferenceCurve:
    """The cheap branch is better in the first cell; errors of the photo are 40, 34, 34, 50 and 100."""
    return preference_curve([photo([4, 10, 26, 60], [10, 10, 10, 10], values=4000)], COSTS, full=FULL)


def decibel(error: float) -> float:
    return -10 * math.log10(error)


def test_the_curve_by_hand(curve: PreferenceCurve) -> None:
    assert curve.full == pytest.approx(20)
    assert [point.share for point in curve.points] == pytest.approx(SHARES)
    assert [point.psnr for point in curve.points] == pytest.approx(
        [decibel(error / 4000) for error in (40, 34, 34, 50, 100)]
    )
    speeds = [point.speed for point in curve.points]
    for speed, (low, high) in zip(speeds, [(-4, -3), (-1.5, -1), (0, 0), (1, 1.5), (3, 4)], strict=True):
        assert low <= speed <= high, "the speed nearest to 0 that gives the route"


@pytest.mark.parametrize(("loss_db", "cheap"), [(0, 2), (0.5, 2), (0.96, 2), (0.98, 3), (3.9, 3), (4, 4), (99, 4)])
def test_the_cheapest_within_the_bound(curve: PreferenceCurve, loss_db: float, cheap: int) -> None:
    found = choose(curve, loss_db)

    assert (found.loss_db, found.curve, found.chosen) == (loss_db, curve, curve.points[cheap])


def test_quality_need_not_fall_with_cost() -> None:
    """Errors 70, 90, 60, 100, 190: one cheap cell is below the bound, two are above it again."""
    curve = preference_curve([photo([30, 10, 50, 100], [10, 40, 10, 10], values=7000)], COSTS, full=FULL)

    assert curve.points[1].psnr == pytest.approx(decibel(90 / 7000))
    assert choose(curve, 0.02).chosen == curve.points[2]


def test_the_full_network_is_within_every_bound() -> None:
    curve = preference_curve([photo([11, 12, 13, 14], [10, 9, 8, 7], values=4000)], COSTS, full=FULL)

    assert choose(curve, 0).chosen.psnr == curve.full
    assert choose(curve, 0).chosen.share == pytest.approx(4 / 3)


def test_of_equally_cheap_points_the_best() -> None:
    points = tuple(
        PreferencePoint(speed=speed, psnr=psnr, share=share)
        for speed, psnr, share in [(-1, 30.0, 1.0), (0, 29.99, 0.5), (1, 29.995, 0.5), (2, 29.0, 0.2)]
    )
    assert choose(PreferenceCurve(full=30.0, points=points), 0.02).chosen == points[2]


def test_photos_count_alike_and_cells_too() -> None:
    """One photo of one cell at 20 or 10 dB, one of three cells at 40 dB: the mean of decibels, costs by cells."""
    one = photo([10], [1], SCORES[:1], values=100)
    three = photo([1, 1, 1], [1, 1, 1], SCORES[1:], values=30_000)

    curve = preference_curve([one, three], COSTS, full=FULL)

    assert curve.full == pytest.approx(30)
    assert [point.psnr for point in curve.points] == pytest.approx([30, 25, 25, 25, 25])
    assert [point.share for point in curve.points] == pytest.approx(SHARES)


def test_no_error_is_100_db() -> None:
    assert photo([0], [1], SCORES[:1], values=1).psnr(fixed(0, 1)) == 100


def test_no_preference_is_not_negative(curve: PreferenceCurve) -> None:
    (neutral,) = (point.speed for point in curve.points if point.speed == 0)
    assert str(neutral) == "0.0"


def test_without_photos_there_is_no_curve() -> None:
    with pytest.raises(ValueError, match="at least one photo"):
        preference_curve([], COSTS, full=FULL)


def tensors(pair: Pair, model: Model) -> tuple[torch.Tensor, torch.Tensor]:
    degraded = pair.degraded_image(model.task.bound, seed=0)
    return as_tensor(degraded[None])[0], as_tensor(to_float(np.asarray(pair.clean))[None])[0]


def test_errors_and_scores_of_a_photo(model: Model, pairs: list[Pair]) -> None:
    assert model.class_module is not None
    for pair in pairs:
        degraded, clean = tensors(pair, model)
        tiles = cell_tiles(*degraded.shape[1:], cell=STRIDE, halo=0)

        cells = measure_cells(model, degraded, clean)

        assert cells.values == clean.numel()
        scores = score_cells(model.class_module, degraded, cell=STRIDE, patch=PATCH)
        assert np.array_equal(cells.scores, scores.reshape(len(tiles), 3))
        for branch, network in enumerate(model.branches):
            squared = (restore_whole(network, degraded).clamp(0, 1) - clean).square()
            for number, tile in enumerate(tiles):
                box = tile.inside
                rows, columns = (
                    slice(SCALE * start, SCALE * end) for start, end in ((box.top, box.bottom), (box.left, box.right))
                )
                expected = squared[:, rows, columns].sum().item()
                assert cells.errors[number, branch] == pytest.approx(expected, rel=1e-5)


def test_figures_are_those_of_validation(model: Model, pairs: list[Pair]) -> None:
    validator = Validator(pairs, model.task.bound, patch=PATCH, stride=STRIDE, device=torch.device("cpu"))
    done: list[tuple[int, int]] = []

    curve = measure_preference(model, validator.images, progress=lambda *count: done.append(count))

    count = len(pairs)
    assert done == [(number, count) for number in range(count + 1)]
    dearest, cheapest = curve.points[0], curve.points[-1]
    assert curve.full == dearest.psnr == pytest.approx(validator.network(model.branches[-1])["psnr"], abs=1e-3)
    assert cheapest.psnr == pytest.approx(validator.network(model.branches[0])["psnr"], abs=1e-3)
    full, judging = model.costs[-1].executed, model.class_module_cost.executed
    assert dearest.share == pytest.approx((full + judging) / full)
    assert cheapest.share == pytest.approx((model.costs[0].executed + judging) / full)


def test_a_point_is_what_the_model_does_at_its_speed(model: Model, pairs: list[Pair]) -> None:
    photos = [measure_cells(model, *tensors(pair, model)) for pair in pairs]
    curve = preference_curve(photos, model.routed_costs, full=model.costs[-1].executed)
    assert len(curve.points) > 3
    for point in curve.points:
        routes = [replace(model, speed=point.speed).route(cells.scores) for cells in photos]
        assert [route.tolist() for route in routes] == [
            at_speed(cells.scores, model.routed_costs, point.speed).tolist() for cells in photos
        ]
        assert point.psnr == pytest.approx(
            np.mean([cells.psnr(route) for cells, route in zip(photos, routes, strict=True)])
        )


def test_of_a_large_photo_the_centre(model: Model, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    degraded, clean = tensors(pairs[0], model)
    height, width = degraded.shape[1:]
    side = min(height, width) - 4
    top, left = (height - side) // 2, (width - side) // 2
    centre = degraded[:, top : top + side, left : left + side]
    restored = clean[:, SCALE * top : SCALE * (top + side), SCALE * left : SCALE * (left + side)]
    expected = measure_cells(model, centre, restored)
    monkeypatch.setattr(preference, "LARGEST_SIDE", side)

    cells = measure_cells(model, degraded, clean)

    assert cells.values == 3 * (SCALE * side) ** 2
    assert np.allclose(cells.errors, expected.errors, rtol=1e-5)
    assert np.array_equal(cells.scores, expected.scores)


def test_what_routes_nothing_has_no_preference(model: Model, pairs: list[Pair]) -> None:
    alone = replace(model, class_module=None)
    with pytest.raises(ValueError, match="routes nothing"):
        measure_cells(alone, *tensors(pairs[0], model))
