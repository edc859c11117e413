"""Training networks alone on sub-images of some hardness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from restoreroute.app.dry_run import dry_run
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
    with pytest.raises(InputError, match=r"none of \d+ sub-images lies in an image of at least 4096 x 4096") as caught:
        run.run(*ONE, "stages.baseline.phases=[{iterations: 1, sub_image: 4096}]")

    assert caught.value.where == "stages.baseline"


@pytest.mark.parametrize("own_class", ["true", "false"])
@pytest.mark.parametrize("asked", ["sub_image=17", "phases=[{iterations: 1, sub_image: 17}]"])
def test_branches_are_refused_what_no_image_holds_before_the_baseline_is_trained(
    run: Any, asked: str, own_class: str
) -> None:
    with pytest.raises(InputError, match="lies in an image of at least 17 x 17 degraded pixels") as caught:
        run.run(*ONE, f"stages.pretrain.{asked}", f"stages.pretrain.own_class={own_class}")

    assert caught.value.where == "stages.pretrain"
    assert run.started() == ["data"]


def test_what_a_stage_skips_asks_for_nothing(run: Any) -> None:
    run.run(*ONE, "stages.pretrain.per_branch=[0, 0]", "stages.pretrain.sub_image=17")
    assert "pretrain_0" not in run.started()


def test_a_dry_run_keeps_all(run: Any) -> None:
    """A small share of a whole set may be none of a few photos' sub-images."""
    found = dry_run(run.recipe, overrides=[*ONE, "data.hardness=[0, 0.001]"], device="cpu")
    assert found.plan.data.hardness.keep == (0.0, 0.001)


def test_phases_of_another_size_and_loss_run(run: Any) -> None:
    phase = "{iterations: 2, sub_image: 10, batch: 2, loss: mse}"
    results = run.run(*ONE, f"stages.baseline.phases=[{phase}]", "stages.baseline.iterations=2")

    assert results.stages["baseline"][-1]["iteration"] == 4


def test_classes_that_nothing_asks_for_are_not_made(run: Any) -> None:
    run.run(*ONE, "stages.pretrain.own_class=false")
    assert "difficulty" not in run.started()

    run.run(*ONE, "stages.pretrain.own_class=false", "evaluation.protocols=[classes]")
    assert "difficulty" in run.started()
