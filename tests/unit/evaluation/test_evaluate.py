"""An evaluation against the same done by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from restoreroute.data.pairs import Pair
from restoreroute.errors import InputError
from restoreroute.evaluation.evaluate import evaluate, mean_quality
from restoreroute.evaluation.protocols import EvaluationProtocol, make_protocol
from restoreroute.evaluation.ways import BASELINE, INTERPOLATION, MERGED, ORACLE, RANDOM, ROUTED, Comparison, Outcome
from restoreroute.imaging.color import from_float, to_float
from restoreroute.imaging.metrics import psnr, psnr_y, ssim_y
from restoreroute.inference.engine import classify, crop, restore_cells, restore_classsr, restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Planner, operations_of, operations_of_all
from restoreroute.inference.tiles import Tile, cell_tiles, classsr_tiles
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import argmax
from restoreroute.spec.events import WorkProgress, ignore
from restoreroute.spec.results import Quality, SetResult

MakeModel = Callable[..., Model]
MakePair = Callable[..., Pair]
PATCH, STRIDE, SCALE = 16, 12, 2
BRANCHES = ["branch fsrcnn-4", "branch fsrcnn-6", "branch fsrcnn-9"]
CPU = torch.device("cpu")


def protocol(name: str) -> EvaluationProtocol:
    return make_protocol(name, patch=PATCH, stride=STRIDE, crop_border=SCALE)


def run(
    model: Model,
    pairs: Sequence[Pair],
    name: str,
    *,
    baseline: Model | None = None,
    seed: int = 0,
    draw: Callable[[Pair, Outcome, Sequence[Tile]], None] | None = None,
) -> SetResult:
    return evaluate(
        model,
        pairs,
        set_name="some",
        protocol=protocol(name),
        baseline=baseline,
        seed=seed,
        device=CPU,
        listen=ignore,
        draw=draw,
    )


@pytest.fixture(scope="module", params=["classsr", "whole"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def result(model: Model, single: Model, pairs: list[Pair], name: str) -> SetResult:
    return run(model, pairs, name, baseline=single)


def tensor(pair: Pair) -> torch.Tensor:
    assert pair.degraded is not None
    return torch.from_numpy(to_float(pair.degraded)).permute(2, 0, 1)


def tiles_of(name: str, pair: Pair) -> list[Tile]:
    size = pair.degraded_size(SCALE)
    if name == "classsr":
        return classsr_tiles(*size, patch=PATCH, stride=STRIDE)
    return cell_tiles(*size, cell=STRIDE, halo=(PATCH - STRIDE) // 2)


def scores_of(model: Model, name: str, pair: Pair) -> NDArray[np.float32]:
    assert model.class_module is not None
    if name == "classsr":
        return classify(model.class_module, tensor(pair), tiles_of(name, pair))
    return score_cells(model.class_module, tensor(pair), cell=STRIDE, patch=PATCH).reshape(-1, 3)


def route_of(model: Model, name: str, pair: Pair) -> NDArray[np.int64]:
    return argmax(scores_of(model, name, pair))


def judged(name: str, restored: torch.Tensor, clean: NDArray[np.uint8]) -> Quality:
    """The paper's way: floats on 0..255 over what patches cover; or 8-bit images, whole."""
    image = restored.permute(1, 2, 0).numpy()
    border = 4 if name == "classsr" else SCALE
    if name == "classsr":
        image, clean = image * 255, clean[: image.shape[0], : image.shape[1]]
    else:
        image = from_float(image, np.uint8)
    return Quality(
        psnr_rgb=psnr(image, clean, data_range=255, crop_border=border),
        psnr_y=psnr_y(image, clean, data_range=255, crop_border=border),
        ssim=ssim_y(image, clean, data_range=255, crop_border=border),
    )


def assert_close(one: Quality, other: Quality) -> None:
    assert one.psnr_rgb == pytest.approx(other.psnr_rgb, abs=1e-3)
    assert one.psnr_y == pytest.approx(other.psnr_y, abs=1e-3)
    assert one.ssim == pytest.approx(other.ssim, abs=1e-5)


def test_rows_and_images(result: SetResult, name: str) -> None:
    merged = [MERGED] if name == "whole" else []
    rows = [INTERPOLATION, BASELINE, *BRANCHES, ROUTED, *merged, RANDOM, ORACLE]
    assert (result.set_name, result.protocol) == ("some", name)
    assert [row.name for row in result.rows] == rows
    assert [image.file for image in result.images] == ["a.png", "b.png"]
    assert all(list(image.rows) == rows for image in result.images)
    assert all(row.seconds >= 0 for row in result.rows)


def test_a_row_is_the_mean_over_the_images(result: SetResult) -> None:
    for row in result.rows:
        assert row.quality == mean_quality([image.rows[row.name] for image in result.images])
    with pytest.raises(KeyError):
        result.row("none")


def test_routed_equals_doing_it_by_hand(model: Model, pairs: list[Pair], result: SetResult, name: str) -> None:
    restore = restore_classsr if name == "classsr" else restore_cells
    everywhere = []
    for pair, image in zip(pairs, result.images, strict=True):
        route = route_of(model, name, pair)
        restored = restore(model.branches, tensor(pair), tiles_of(name, pair), route)
        assert_close(image.rows[ROUTED], judged(name, restored, pair.clean))
        everywhere.append(route)
    route = np.concatenate(everywhere)
    assert set(route.tolist()) == {0, 1, 2}  # or this test would say little
    row = result.row(ROUTED)
    assert row.shares == pytest.approx([np.mean(route == branch) for branch in range(3)])
    assert result.patches == len(route)


def test_each_branch_equals_doing_it_by_hand(model: Model, pairs: list[Pair], result: SetResult, name: str) -> None:
    for branch, way in enumerate(BRANCHES):
        for pair, image in zip(pairs, result.images, strict=True):
            tiles = tiles_of(name, pair)
            if name == "classsr":
                route = np.full(len(tiles), branch)
                restored = restore_classsr(model.branches, tensor(pair), tiles, route)
            else:
                restored = restore_whole(model.branches[branch], tensor(pair))
            assert_close(image.rows[way], judged(name, restored, pair.clean))
        assert result.row(way).shares == ()
    assert result.row(BASELINE).quality != result.row(BRANCHES[-1]).quality  # the same width, trained apart
    assert result.row(BASELINE).executed == result.row(BRANCHES[-1]).executed


def test_interpolation_costs_nothing(model: Model, pairs: list[Pair], result: SetResult, name: str) -> None:
    row = result.row(INTERPOLATION)
    assert row.executed == row.charged == row.paper == 0
    for pair, image in zip(pairs, result.images, strict=True):
        assert pair.degraded is not None
        restored = torch.from_numpy(model.task.bound.interpolate(to_float(pair.degraded))).permute(2, 0, 1)
        if name == "classsr":
            tiles = tiles_of(name, pair)
            height, width = tiles[-1].inside.bottom, tiles[-1].inside.right
            restored = restored[:, : height * SCALE, : width * SCALE]
        restored = (restored.clamp(0, 1) * 255).round() / 255  # as every other row
        assert image.rows[INTERPOLATION].psnr_y == pytest.approx(judged(name, restored, pair.clean).psnr_y, abs=1e-3)


def test_cost_of_the_routed_row(model: Model, pairs: list[Pair], result: SetResult, name: str) -> None:
    executed = paper = charged = area = 0.0
    for pair in pairs:
        tiles = tiles_of(name, pair)
        for tile, branch in zip(tiles, route_of(model, name, pair), strict=True):
            cost = model.costs[int(branch)]
            executed += cost.executed
            paper += cost.paper + model.class_module_cost.paper
            charged += operations_of(model, int(branch), tile) + model.class_module_cost.executed
        area += max(tile.inside.bottom for tile in tiles) * max(tile.inside.right for tile in tiles) / PATCH**2
    row = result.row(ROUTED)
    assert row.executed == pytest.approx(executed / result.patches)
    assert row.paper == pytest.approx(paper / result.patches)
    assert row.charged == pytest.approx(charged / area)
    assert row.charged > row.executed


def test_merged_is_what_restoring_does(model: Model, pairs: list[Pair], result: SetResult, name: str) -> None:
    if name == "classsr":
        return
    executed = charged = area = 0.0
    for pair, image in zip(pairs, result.images, strict=True):
        height, width = pair.degraded_size(SCALE)
        routes = route_of(model, name, pair).reshape(-(-height // STRIDE), -1)
        regions = Planner.by_operations(model).merge(routes, height, width)
        restored = restore_cells(model.branches, tensor(pair), regions.tiles, regions.route)
        assert_close(image.rows[MERGED], judged(name, restored, pair.clean))
        executed += sum(model.costs[branch].executed for branch in regions.cells.ravel().tolist())
        charged += operations_of_all(model, regions.tiles, regions.route)
        charged += routes.size * model.class_module_cost.executed
        area += height * width / PATCH**2
    row = result.row(MERGED)
    assert row.executed == pytest.approx(executed / result.patches)
    assert row.charged == pytest.approx(charged / area)
    assert row.executed >= result.row(ROUTED).executed


def test_cost_of_one_network(model: Model, pairs: list[Pair], result: SetResult, name: str) -> None:
    tiles = [tile for pair in pairs for tile in tiles_of(name, pair)]
    for cost, way in zip(model.costs, BRANCHES, strict=True):
        row = result.row(way)
        assert row.executed == pytest.approx(cost.executed)
        assert row.paper == pytest.approx(cost.paper)
        if name == "whole":  # one pass: nothing overlaps
            assert row.charged == pytest.approx(cost.executed)
        else:
            area = sum(
                (tiles_of(name, pair)[-1].inside.bottom * tiles_of(name, pair)[-1].inside.right) for pair in pairs
            )
            assert row.charged == pytest.approx(cost.executed * len(tiles) * PATCH**2 / area)


def test_the_random_route_has_the_same_shares_and_cost(result: SetResult) -> None:
    routed, drawn = result.row(ROUTED), result.row(RANDOM)
    assert drawn.shares == routed.shares
    assert drawn.executed == pytest.approx(routed.executed)
    assert drawn.paper == pytest.approx(routed.paper)
    assert drawn.quality != routed.quality


def test_the_oracle_is_better_and_not_dearer(result: SetResult) -> None:
    routed, best, drawn = result.row(ROUTED), result.row(ORACLE), result.row(RANDOM)
    assert best.executed <= routed.executed
    assert best.quality.psnr_rgb >= max(routed.quality.psnr_rgb, drawn.quality.psnr_rgb)


def test_the_oracles_squared_error(model: Model, pairs: list[Pair], name: str) -> None:
    # patch by patch, on clamped values: what the oracle optimises
    for pair in pairs:
        clean = torch.from_numpy(to_float(pair.clean)).permute(2, 0, 1)
        comparison = Comparison(
            model=model,
            baseline=None,
            protocol=protocol(name),
            degraded=tensor(pair),
            clean=clean,
            generator=np.random.default_rng(0),
        )
        routes = {outcome.way: outcome.route for outcome in comparison.outcomes() if outcome.route is not None}
        tiles = tiles_of(name, pair)
        error = np.empty((len(tiles), 3))
        for position, tile in enumerate(tiles):
            for branch in range(3):
                with torch.no_grad():
                    output = model.branches[branch](crop(tensor(pair), tile.window, 1)[None])[0].clamp(0, 1)
                kept = tile.inside.moved(-tile.window.top, -tile.window.left)
                difference = crop(output, kept, SCALE) - crop(clean, tile.inside, SCALE)
                error[position, branch] = difference.square().sum().item()
        costs = np.array([cost.executed for cost in model.costs])
        best = error[np.arange(len(tiles)), routes[ORACLE]].sum()
        spent = costs[routes[ORACLE]].sum()
        assert spent <= costs[routes[ROUTED]].sum()
        generator = np.random.default_rng(3)
        for _ in range(50):  # no other route of its cost is better
            other = generator.integers(3, size=len(tiles))
            assert costs[other].sum() > spent or error[np.arange(len(tiles)), other].sum() >= best - 1e-4
        for _ in range(20):
            other = generator.permutation(routes[ORACLE])
            assert error[np.arange(len(tiles)), other].sum() >= best - 1e-4


def test_confidence_is_the_mean_largest_probability(
    model: Model, pairs: list[Pair], result: SetResult, name: str
) -> None:
    largest = [scores_of(model, name, pair).max(axis=1) for pair in pairs]
    assert result.confidence == pytest.approx(np.concatenate(largest).mean(), abs=1e-6)


def without_seconds(result: SetResult) -> SetResult:
    return replace(result, rows=tuple(replace(row, seconds=0.0) for row in result.rows))


def test_figures_repeat(model: Model, single: Model, pairs: list[Pair], result: SetResult, name: str) -> None:
    again = run(model, pairs, name, baseline=single)
    assert without_seconds(again) == without_seconds(result)


def test_the_seed_moves_the_random_route_only(
    model: Model, single: Model, pairs: list[Pair], result: SetResult, name: str
) -> None:
    other = run(model, pairs, name, baseline=single, seed=5)
    for one, two in zip(without_seconds(result).rows, without_seconds(other).rows, strict=True):
        assert (one == two) == (one.name != RANDOM)


def test_an_images_figures_do_not_depend_on_the_others(noisy: Model, pairs: list[Pair], name: str) -> None:
    # random degradation and random route included
    clean = [replace(pair, degraded=None) for pair in pairs]
    forwards, backwards = (run(noisy, order, name) for order in (clean, clean[::-1]))
    renamed = replace(clean[1], file=Path("elsewhere", "c.png"))
    (alone,) = run(noisy, [renamed], name).images
    assert [image.file for image in backwards.images] == ["b.png", "a.png"]
    assert backwards.images == forwards.images[::-1]
    assert alone.rows == forwards.images[1].rows


def test_without_baseline(model: Model, pairs: list[Pair], name: str) -> None:
    result = run(model, pairs[1:], name)
    merged = [MERGED] if name == "whole" else []
    assert [row.name for row in result.rows] == [INTERPOLATION, *BRANCHES, ROUTED, *merged, RANDOM, ORACLE]


def test_one_branch_has_nothing_to_route(make_model: MakeModel, pairs: list[Pair], name: str) -> None:
    result = run(make_model(6), pairs, name)
    assert [row.name for row in result.rows] == [INTERPOLATION, "branch fsrcnn-6"]
    assert result.confidence is None
    assert result.patches == sum(len(tiles_of(name, pair)) for pair in pairs)


def test_shapes(model: Model, make_pair: MakePair, name: str) -> None:
    drawn: list[tuple[Pair, Outcome, Sequence[Tile]]] = []
    pair = make_pair(37, 53)
    run(model, [pair], name, draw=lambda *seen: drawn.append(seen))
    ((drawn_pair, outcome, tiles),) = drawn
    assert drawn_pair is pair
    assert outcome.way == ROUTED
    assert list(tiles) == tiles_of(name, pair)
    assert outcome.route is not None
    assert outcome.route.tolist() == route_of(model, name, pair).tolist()
    covered = (28, 52) if name == "classsr" else (37, 53)
    assert outcome.restored.shape == (covered[0] * SCALE, covered[1] * SCALE, 3)


def test_an_image_below_one_patch(model: Model, pairs: list[Pair], make_pair: MakePair) -> None:
    small = make_pair(15, 40, "small.png")
    with pytest.raises(InputError, match="has 40 x 15 degraded pixels, less than one patch of 16") as caught:
        run(model, [*pairs, small], "classsr")
    assert caught.value.where == str(small.file)
    assert "'whole' protocol" in str(caught.value)
    assert run(model, [small], "whole").patches == 2 * 4


def test_an_image_too_small_for_ssim(model: Model, pairs: list[Pair], make_pair: MakePair) -> None:
    result = run(model, [pairs[0], make_pair(7, 9, "tiny.png")], "whole")
    assert [image.rows[ROUTED].ssim is None for image in result.images] == [False, True]
    assert result.row(ROUTED).quality.ssim is None
    assert result.row(ROUTED).quality.psnr_y is not None


def test_progress(model: Model, pairs: list[Pair], name: str) -> None:
    seen: list[WorkProgress] = []
    evaluate(
        model,
        pairs[1:],
        set_name="some",
        protocol=protocol(name),
        baseline=None,
        seed=0,
        device=CPU,
        listen=seen.append,
    )
    assert [(event.step, event.done, event.total) for event in seen] == [
        (f"evaluate {name}", 0, 1),
        (f"evaluate {name}", 1, 1),
    ]


def test_mean_quality() -> None:
    one, two = Quality(psnr_rgb=30.0, psnr_y=32.0, ssim=0.9), Quality(psnr_rgb=20.0, psnr_y=22.0, ssim=0.7)
    mean = mean_quality([one, two])
    assert (mean.psnr_rgb, mean.psnr_y, mean.ssim) == pytest.approx((25, 27, 0.8))
    assert mean_quality([one, replace(two, ssim=None)]) == Quality(psnr_rgb=25.0, psnr_y=27.0, ssim=None)
    assert mean_quality([one, replace(two, psnr_y=None)]).psnr_y is None
    assert mean_quality([one, replace(two, psnr_rgb=math.inf)]).psnr_rgb == math.inf
