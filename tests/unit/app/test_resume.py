"""A run that was stopped, wherever that was, ends with the bytes of one that was not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from restoreroute.app.run import run_recipe
from restoreroute.spec.events import Event, TrainingProgress, Validated, WorkProgress

Stop = Callable[[Event], bool]


class StoppedError(Exception):
    """What the run is stopped with."""


def at(kind: type[Any], step: str, count: int) -> Stop:
    """Matches one event of a step: by iteration, or by what is done."""

    def stop(event: Event) -> bool:
        place = getattr(event, "done" if kind is WorkProgress else "iteration", None)
        return isinstance(event, kind) and event.step == step and place == count

    return stop


MOMENTS = {
    "data": at(WorkProgress, "data", 1),
    "baseline before a checkpoint": at(TrainingProgress, "baseline", 2),
    "baseline between checkpoints": at(TrainingProgress, "baseline", 5),
    "baseline as a checkpoint is due": at(TrainingProgress, "baseline", 6),
    "difficulty": at(WorkProgress, "difficulty", 18),
    "first branch": at(Validated, "pretrain_0", 4),
    "second branch": at(TrainingProgress, "pretrain_1", 5),
    "Class-Module": at(TrainingProgress, "class_module", 4),
    "joint": at(Validated, "joint", 6),
    "joint at its end": at(TrainingProgress, "joint", 7),
    "preference": at(WorkProgress, "preference", 1),
    "evaluation": at(WorkProgress, "evaluate whole", 1),
}


@pytest.fixture
def stopped(run: Any) -> Callable[[Stop], None]:
    """Goes on with the run until an event matches."""

    def go(stop: Stop, *overrides: str, run: Any = run) -> None:
        def listen(event: Event) -> None:
            if stop(event):
                raise StoppedError(event)

        with pytest.raises(StoppedError):
            run_recipe(run.recipe, overrides=overrides, runs=run.runs, device="cpu", listen=listen)

    return go


@pytest.fixture(autouse=True)
def report_every_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a listener can stop a stage at any iteration."""
    monkeypatch.setattr("restoreroute.training.loop.REPORT_SECONDS", 0.0)


def same_weights(run: Any, finished: Any) -> bool:
    files = ("model.safetensors", "baseline.safetensors")
    return all((run.folder / name).read_bytes() == (finished.folder / name).read_bytes() for name in files)


def figures(results: Any) -> list[Any]:
    """All that is no measurement of time."""
    return [
        results.stages,
        *((row.name, row.quality, row.shares, row.charged) for one in results.sets for row in one.rows),
        *(one.images for one in results.sets),
    ]


def test_stopped_at_every_moment_of_one_run(run: Any, finished: Any, tiny: Any, stopped: Callable[..., None]) -> None:
    for stop in MOMENTS.values():
        stopped(stop)

    results = run.run()

    assert same_weights(run, finished)
    assert figures(results) == figures(finished.results[0])
    assert not tiny.leftovers(run.folder)


def test_a_pooled_stage_goes_on_to_the_same_bytes(copy: Callable[[], Any], stopped: Callable[..., None]) -> None:
    pooled = "stages.class_module.pool=20"
    whole, run = copy(), copy()
    whole.run(pooled)

    for stop in (
        at(WorkProgress, "pool", 1),
        at(TrainingProgress, "class_module", 5),
        at(TrainingProgress, "joint", 2),
    ):
        stopped(stop, pooled, run=run)
    run.run(pooled)

    assert same_weights(run, whole)
    assert "pool" in whole.started()
    assert "pool" not in run.started(), "outputs are needed no more once the stage is done"
