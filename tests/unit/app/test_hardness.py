"""Training networks alone on sub-images of some hardness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from restoreroute.app.hardness import kept_by_rank
from restoreroute.errors import InputError

ONE = ["stages.joint.iterations=1", "stages.class_module.iterations=1"]


def test_shares_count_from_the_hardest() -> None:
    scores = np.array([3.0, 9.0, 1.0, 7.0, 5.0, 8.0, 2.0, 6.0, 4.0, 0.0])
    hardest_first = np.argsort(-scores)

    kept = kept_by_rank(scores, (0.1, 0.4))

    assert sorted(scores[kept]) == [6.0, 7.0, 8.0]
    assert kept.tolist() == sorted(kept.tolist())
    assert kept_by_rank(scores, (0.0, 1.0)).tolist() == list(range(10))
    assert kept_by_rank(scores, (0.0, 0.1)).tolist() == [hardest_first[0]]


def test_a_run_scores_once_and_trains_the_baseline_anew_for_another_choice(run: Any) -> None:
    run.run(*ONE, "data.hardness=[0.0, 0.5]")
    assert "hardness" in run.started()

    run.run(*ONE, "data.hardness=[0.0, 0.4]")
    assert "hardness" in run.reused()
    assert "baseline" in run.started()

    run.run(*ONE, "data.hardness=[0.0, 0.4]")
    assert "baseline" in run.reused()


def test_all_sub_images_are_no_step(run: Any) -> None:
    run.run(*ONE)
    assert "hardness" not in run.started()


def test_hardness_by_a_baseline_that_learns_from_the_choice_is_refused(run: Any) -> None:
    with pytest.raises(InputError, match="there is none yet") as caught:
        run.run(*ONE, "data.hardness={name: network, keep: [0.0, 0.5]}")

    assert caught.value.hint == "name a trained one: data.hardness.model=FILE"


def test_keeping_nothing_is_refused(run: Any) -> None:
    with pytest.raises(InputError, match="keeps none of") as caught:
        run.run(*ONE, "data.hardness=[0.5, 0.501]")

    assert caught.value.where == "data.hardness"


def test_a_stage_on_larger_sub_images_than_any_image_is_refused(run: Any) -> None:
    with pytest.raises(InputError, match="no image is as large as a sub-image of 4096 x 4096") as caught:
        run.run(*ONE, "stages.baseline.phases=[{iterations: 1, sub_image: 4096}]")

    assert caught.value.where == "stages.baseline"


def test_phases_of_another_size_and_loss_run(run: Any) -> None:
    phase = "{iterations: 2, sub_image: 10, batch: 2, loss: mse}"
    results = run.run(*ONE, f"stages.baseline.phases=[{phase}]", "stages.baseline.iterations=2")

    assert results.stages["baseline"][-1]["iteration"] == 4


def test_classes_that_nothing_asks_for_are_not_made(run: Any) -> None:
    run.run(*ONE, "stages.pretrain.own_class=false")
    assert "difficulty" not in run.started()

    run.run(*ONE, "stages.pretrain.own_class=false", "evaluation.protocols=[classes]")
    assert "difficulty" in run.started()
