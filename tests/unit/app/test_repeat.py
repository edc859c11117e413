"""What a second run repeats: exactly what depends on what has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restoreroute.errors import InputError
from restoreroute.spec.events import Notice, TrainingProgress, Validated

STAGES = ["baseline", "pretrain_0", "pretrain_1", "class_module", "joint"]
TRAINING = ["baseline", "difficulty", "pretrain_0", "pretrain_1", "class_module", "joint", "preference"]
EVALUATION = ["evaluate classsr", "evaluate whole"]

CHANGES = {
    "nothing": ([], []),
    "validate_every": (["stages.joint.validate_every=1", "stages.pretrain.checkpoint_every=5"], []),
    "joint": (["stages.joint.lr=5e-4"], ["joint", "preference", *EVALUATION]),
    "Class-Module": (["losses.average=1"], ["class_module", "joint", "preference", *EVALUATION]),
    "bound of the preference": (["routing.loss_db=30"], EVALUATION),
    "one protocol": (["evaluation.protocols=[whole]"], ["evaluate whole"]),
    "one branch": (
        ["branches=[5, 8]"],
        ["pretrain_0", "class_module", "joint", "preference", *EVALUATION],
    ),
    "seed": (["seed=1"], [*STAGES, "preference", *EVALUATION]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_repeated(change: str, copy: Callable[[], Any]) -> None:
    overrides, repeated = CHANGES[change]
    run = copy()

    run.run(*overrides)

    known = [*TRAINING, *(["evaluate whole"] if change == "one protocol" else EVALUATION)]
    assert run.started() == ["data", *repeated]
    assert run.reused() == [step for step in known if step not in repeated]


def test_a_finished_run_is_not_touched(copy: Callable[[], Any]) -> None:
    run = copy()
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}

    run.run()

    assert {path: path.read_bytes() for path in before} == before
    assert not any(isinstance(event, TrainingProgress | Validated) for event in run.events)


def test_scores_of_the_baseline_are_repeated_with_it(copy: Callable[[], Any]) -> None:
    run = copy()
    short = ["difficulty=network", "evaluation.protocols=[whole]"]
    short += ["stages.pretrain.iterations=1", "stages.class_module.iterations=0", "stages.joint.iterations=0"]
    run.run(*short)
    assert run.reused() == ["baseline"]

    run.run(*short, "stages.baseline.lr=5e-4")

    assert run.reused() == []


def test_another_test_photo_only_evaluates(tiny: Any, tmp_path: Path) -> None:
    photos = tiny.write_photos(tmp_path / "photos")
    run = tiny.Tiny(recipe=tiny.write_recipe(tmp_path, photos), runs=tmp_path / "runs")
    few = [f"stages.{stage}.iterations=1" for stage in ("baseline", "pretrain", "class_module", "joint")]
    run.run(*few)
    (photos / "test" / "test1.png").unlink()

    results = run.run(*few)

    assert run.started() == ["data", *EVALUATION]
    assert [image.file for image in results.sets[0].images] == ["test0.png"]


def test_fresh_starts_over_to_the_same_bytes(copy: Callable[[], Any], finished: Any) -> None:
    run = copy()

    run.run(fresh=True)

    assert run.reused() == []
    assert run.started() == ["data", *TRAINING, *EVALUATION]
    assert run.model.read_bytes() == finished.model.read_bytes()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"{}"], ids=["empty", "zip", "text"])
def test_damaged_scores_and_results_are_made_again(content: bytes, copy: Callable[[], Any], finished: Any) -> None:
    run = copy()
    (run.folder / "state" / "difficulty.npz").write_bytes(content)
    (run.folder / "results.json").write_bytes(content)

    run.run()

    assert run.reused() == [*STAGES, "preference"]
    assert run.started() == ["data", "difficulty", *EVALUATION]
    assert run.model.read_bytes() == finished.model.read_bytes()


def test_a_cut_checkpoint_is_replaced_by_the_one_before(copy: Callable[[], Any], finished: Any) -> None:
    run = copy()
    newest = run.folder / "state" / "joint.pt"
    newest.write_bytes(newest.read_bytes()[:1000])

    run.run()

    (notice,) = [event.text for event in run.events if isinstance(event, Notice)]
    assert notice.startswith("joint.pt")
    assert notice.endswith("is damaged; going on from joint.pt.previous")
    assert run.started() == ["data", "joint"]
    assert [event.iteration for event in run.events if isinstance(event, TrainingProgress)] == [7]
    assert run.model.read_bytes() == finished.model.read_bytes()


def test_a_second_run_in_the_same_folder_is_refused(run: Any, recipe: Path) -> None:
    from restoreroute.app.run_folder import RunFolder

    with RunFolder(run.folder).open(), pytest.raises(InputError, match="another run is at work in this folder"):
        run.run()
    run.run("stages.baseline.iterations=0", "stages.pretrain.iterations=0", "evaluation.protocols=[whole]")
