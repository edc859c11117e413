"""Branches on difficulty classes, against the same done by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from restoreroute.data.pairs import Pair
from restoreroute.errors import InputError
from restoreroute.evaluation.classes import CEILING, evaluate_classes, require_sub_images
from restoreroute.imaging.color import from_float, to_float
from restoreroute.imaging.metrics import psnr
from restoreroute.routing.model_file import Model
from restoreroute.spec.events import WorkProgress, ignore
from restoreroute.spec.results import ClassesResult

MakePair = Callable[..., Pair]
SIDE, SCALE = 8, 2
WAYS = ["interpolation", "baseline", "branch fsrcnn-4", "branch fsrcnn-6", "branch fsrcnn-9"]


def roughness(degraded: NDArray[np.float32], clean: NDArray[np.float32]) -> NDArray[np.float64]:
    return clean.std(axis=(1, 2, 3)).astype(np.float64)


def run(
    model: Model,
    pairs: Sequence[Pair],
    *,
    baseline: Model | None = None,
    edges: Sequence[float] = (),
    side: int = SIDE,
    listen: Callable[..., None] = ignore,
) -> ClassesResult:
    return evaluate_classes(
        model,
        pairs,
        set_name="some",
        baseline=baseline,
        sub_image=side,
        estimator="roughness",
        score=roughness,
        edges=edges,
        seed=0,
        device=torch.device("cpu"),
        listen=listen,
    )


def by_hand(model: Model, single: Model, pairs: Sequence[Pair]) -> list[tuple[float, dict[str, float]]]:
    """Score and PSNRs of every sub-image."""
    found = []
    ways = dict(zip(WAYS[1:], [single.branches[-1], *model.branches], strict=True))
    for pair in pairs:
        assert pair.degraded is not None
        height, width = pair.degraded.shape[:2]
        for top in range(0, height - SIDE + 1, SIDE):
            for left in range(0, width - SIDE + 1, SIDE):
                degraded = to_float(pair.degraded[top : top + SIDE, left : left + SIDE])
                clean = pair.clean[top * SCALE : (top + SIDE) * SCALE, left * SCALE : (left + SIDE) * SCALE]
                restored = {WAYS[0]: model.task.bound.interpolate(degraded)}
                for way, network in ways.items():
                    with torch.no_grad():
                        output = network(torch.from_numpy(degraded).permute(2, 0, 1)[None])[0]
                    restored[way] = output.permute(1, 2, 0).numpy()
                figures = {
                    way: psnr(from_float(image, np.uint8), clean, data_range=255, crop_border=SCALE)
                    for way, image in restored.items()
                }
                found.append((float(to_float(clean).std()), figures))
    return found


def test_it_equals_doing_it_by_hand(model: Model, single: Model, pairs: list[Pair]) -> None:
    found = by_hand(model, single, pairs)
    scores = sorted(score for score, _ in found)
    edges = (scores[4], scores[11])  # both belong to the easier class

    result = run(model, pairs, baseline=single, edges=edges)

    assert (result.set_name, result.sub_image, result.estimator) == ("some", SIDE, "roughness")
    assert result.edges == edges
    assert result.counts == (5, 7, len(found) - 12)
    assert sum(result.counts) == 3 * 5 + 2 * 3
    assert [row.name for row in result.rows] == WAYS
    for row in result.rows:
        for number, value in enumerate(row.psnr_rgb):
            inside = [
                figures[row.name] for score, figures in found if sum(score > edge + 1e-7 for edge in edges) == number
            ]
            assert value == pytest.approx(fmean(inside), abs=1e-2)


def test_without_baseline(model: Model, pairs: list[Pair]) -> None:
    assert [row.name for row in run(model, pairs).rows] == [WAYS[0], *WAYS[2:]]


def test_an_empty_class_has_no_figure(model: Model, pairs: list[Pair]) -> None:
    result = run(model, pairs, edges=(-1.0, 9.0))
    assert result.counts == (0, 21, 0)
    for row in result.rows:
        assert row.psnr_rgb[0] is row.psnr_rgb[2] is None
        assert row.psnr_rgb[1] is not None


def test_an_exact_restoration_is_not_all_that_a_mean_says(model: Model, pairs: list[Pair]) -> None:
    black = replace(pairs[0], clean=np.zeros_like(pairs[0].clean), degraded=np.zeros((30, 41, 3), np.uint8))
    assert run(model, [black]).rows[0].psnr_rgb == (CEILING,)
    (mixed,) = run(model, [black, pairs[1]]).rows[0].psnr_rgb
    (usual,) = run(model, [pairs[1]]).rows[0].psnr_rgb
    assert usual is not None
    assert mixed == pytest.approx((15 * CEILING + 6 * usual) / 21)


def test_a_random_degradation_does_not_depend_on_the_place(noisy: Model, pairs: list[Pair]) -> None:
    clean = [replace(pair, degraded=None) for pair in pairs]
    one, other = run(noisy, clean), run(noisy, [replace(pair, file=Path("x.png")) for pair in reversed(clean)])
    for row, same in zip(one.rows, other.rows, strict=True):
        assert row.psnr_rgb == pytest.approx(same.psnr_rgb, abs=1e-9)


def test_images_that_hold_no_sub_image_are_left_out(model: Model, pairs: list[Pair], make_pair: MakePair) -> None:
    assert run(model, [*pairs, make_pair(7, 40)]) == run(model, pairs)


def test_no_image_holds_a_sub_image(model: Model, pairs: list[Pair]) -> None:
    with pytest.raises(InputError, match=r"data\.test: no image is as large as one sub-image of 32 x 32"):
        run(model, pairs, side=32)


def test_a_border_that_leaves_nothing(model: Model, pairs: list[Pair]) -> None:
    with pytest.raises(InputError, match=r"data\.sub_image: .* nothing left inside a border of 2"):
        require_sub_images(pairs, model.task.bound, 2)


def test_progress(model: Model, pairs: list[Pair]) -> None:
    seen: list[WorkProgress] = []
    run(model, pairs, listen=seen.append)
    assert [(event.step, event.done, event.total) for event in seen] == [
        ("evaluate classes", done, 2) for done in range(3)
    ]
