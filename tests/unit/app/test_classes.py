"""Difficulty classes in a run: where they end, what depends on that, and what is measured on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from restoreroute.app.dry_run import dry_run
from restoreroute.errors import InputError
from restoreroute.spec.events import RunFinished
from restoreroute.spec.results import RunResults

WHOLE = "evaluation.protocols=[whole]"
CLASSES = "evaluation.protocols=[classes]"
ROWS = ["interpolation", "baseline", "branch fsrcnn-4", "branch fsrcnn-8"]
STAGES = ["baseline", "difficulty", "pretrain_0", "pretrain_1", "class_module", "joint", "preference"]


def scores(run: Any) -> Any:
    with np.load(run.folder / "state" / "difficulty.npz") as content:
        return np.sort(content["scores"])


def median(run: Any) -> float:
    """A score of no sub-image, in the middle."""
    half = len(scores(run)) // 2
    return float(scores(run)[half - 1 : half + 1].mean())


def test_other_classes_keep_the_scores_and_train_the_branches_anew(copy: Callable[[], Any]) -> None:
    run = copy()

    run.run(WHOLE, "difficulty.quantiles=[0.8]")

    assert run.reused() == ["baseline", "difficulty"]
    assert run.started() == ["data", *STAGES[2:], "evaluate whole"]
    run.run(WHOLE, "difficulty.quantiles=[0.8]")
    assert run.started() == ["data"]


def test_branches_trained_on_everything_do_not_depend_on_the_classes(copy: Callable[[], Any]) -> None:
    run, everything = copy(), "stages.pretrain.own_class=false"
    run.run(WHOLE, everything)

    run.run(WHOLE, everything, f"difficulty.thresholds=[{scores(run)[-1] + 1}]")  # the second class is empty

    assert run.started() == ["data"]


@pytest.mark.parametrize(("beyond", "number"), [(-1, 0), (1, 1)])
def test_a_class_without_sub_images_is_refused_before_training(
    copy: Callable[[], Any], beyond: int, number: int
) -> None:
    run = copy()
    found = scores(run)
    edge = found[0] + beyond if beyond < 0 else found[-1] + beyond

    with pytest.raises(InputError, match=rf"class {number} of 2 holds no sub-image for branch fsrcnn-") as caught:
        run.run(f"difficulty.thresholds=[{edge}]")

    assert f"scores reach from {found[0]:.4g} to {found[-1]:.4g}" in caught.value.what
    assert "stages.pretrain.own_class=false" in str(caught.value)
    assert run.started() == ["data"]


def test_an_empty_class_is_fine_where_nothing_is_trained_on_it(copy: Callable[[], Any]) -> None:
    run = copy()
    results = run.run(CLASSES, "difficulty.thresholds=[50]", "stages.pretrain.iterations=0")
    assert results.classes is not None
    assert results.classes.counts[1] == 0


def check(classes: Any, estimator: str = "interpolation") -> None:
    assert classes is not None
    assert (classes.set_name, classes.sub_image, classes.estimator) == ("test", 8, estimator)
    assert [row.name for row in classes.rows] == ROWS
    # two test photos of 12 x 16 and 10 x 12 degraded pixels
    assert sum(classes.counts) == 2 + 1


def test_the_protocol_classes(copy: Callable[[], Any]) -> None:
    run = copy()

    results = run.run(CLASSES)

    assert results.sets == ()
    check(results.classes)
    assert results.classes.edges == (scores(run)[(len(scores(run)) - 1) // 2],)
    assert run.started() == ["data", "evaluate classes"]
    again = run.run(CLASSES)
    assert again == results
    assert run.reused() == [*STAGES, "evaluate classes"]


def test_only_files_that_were_written_are_named(run: Any) -> None:
    none = [f"stages.{stage}.iterations=0" for stage in ("baseline", "pretrain", "class_module", "joint")]
    run.run(CLASSES, *none)
    last = run.events[-1]
    assert isinstance(last, RunFinished)
    assert set(last.files) == {"model", "results", "curves", "recipe"}, "there are no routing maps"


def test_beside_other_protocols(copy: Callable[[], Any]) -> None:
    run = copy()
    results = run.run("evaluation.protocols=[classes, whole]")
    assert [one.protocol for one in results.sets] == ["whole"]
    check(results.classes)
    assert run.started() == ["data", "evaluate classes", "evaluate whole"]


def test_figures_follow_the_classes(copy: Callable[[], Any]) -> None:
    run, everything = copy(), "stages.pretrain.own_class=false"
    thresholds = f"difficulty.thresholds=[{median(run)}]"
    run.run(CLASSES, everything, thresholds)
    edge = float(run.results[-1].classes.edges[0])
    assert edge == median(run)

    moved = run.run(CLASSES, everything, "difficulty.thresholds=[50]")

    assert run.started() == ["data", "evaluate classes"], "no network depends on them"
    assert moved.classes is not None
    assert moved.classes.counts == (3, 0)


def test_classes_by_the_baseline_of_the_run(copy: Callable[[], Any]) -> None:
    run = copy()
    results = run.run(CLASSES, "difficulty=network", "stages.class_module.iterations=0", "stages.joint.iterations=0")
    check(results.classes, "network")
    # the score is the baseline's PSNR: its row falls from class to class
    easy, hard = results.classes.rows[1].psnr_rgb
    assert easy is None or hard is None or easy > hard


def test_no_test_photo_holds_a_sub_image(run: Any) -> None:
    with pytest.raises(InputError, match=r"data\.test: no image is as large as one sub-image of 16 x 16"):
        run.run(CLASSES, "data.sub_image=16")
    assert run.started() == []


def test_the_centre_of_test_photos(copy: Callable[[], Any]) -> None:
    run = copy()
    whole = run.run(WHOLE)

    cropped = run.run(WHOLE, "evaluation.crop=32")

    assert run.started() == ["data", "evaluate whole"], "only measuring depends on it"
    assert [images(one) for one in (whole, cropped)] == [["test0.png", "test1.png"]] * 2
    assert cropped.sets[0].set_name == "test, centres of up to 32 x 32"
    assert cropped.sets[0].patches == 2 * 2 * 2 < whole.sets[0].patches
    for one, other in zip(whole.sets[0].rows, cropped.sets[0].rows, strict=True):
        assert one.quality != other.quality
    run.run(WHOLE, "evaluation.crop=32")
    assert run.started() == ["data"]
    assert run.run(WHOLE, "evaluation.crop=1000").sets[0].rows[0].quality == whole.sets[0].rows[0].quality


def images(results: RunResults) -> list[str]:
    return [image.file for image in results.sets[0].images]


def test_a_dry_run_of_any_classes(run: Any) -> None:
    # a few photos need not hold sub-images of every class
    found = dry_run(run.recipe, overrides=["difficulty.thresholds=[50]", CLASSES], device="cpu")
    assert found.plan.difficulty.thresholds == (50.0,)
