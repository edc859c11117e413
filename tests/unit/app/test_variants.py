"""Recipes that leave the usual path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import restoreroute
from restoreroute.app.dry_run import dry_run
from restoreroute.errors import InputError, TrainingError
from restoreroute.imaging.io import read_image
from restoreroute.spec.events import Event, Notice, TrainingProgress, ignore
from restoreroute.training.checkpoint import CheckpointFile

ONE = tuple(f"stages.{stage}.iterations=1" for stage in ("baseline", "pretrain", "class_module", "joint"))
WHOLE = "evaluation.protocols=[whole]"


def rows(results: Any) -> list[str]:
    return [row.name for row in results.sets[0].rows]


@pytest.mark.parametrize("widths", [(4, 5), (4, 5, 6, 7)], ids=["two", "four"])
def test_any_number_of_branches(widths: tuple[int, ...], run: Any) -> None:
    shares = "losses.target_shares=[0.7, 0.3]" if len(widths) == 2 else "losses.target_shares=[0.4, 0.3, 0.2, 0.1]"

    results = run.run(*ONE, WHOLE, f"branches={list(widths)}", shares)

    names = [f"branch fsrcnn-{width}" for width in widths]
    assert rows(results) == [
        "interpolation",
        "baseline",
        *names,
        "routed",
        "routed, merged",
        "random route",
        "oracle route",
    ]
    assert len(results.sets[0].row("routed").shares) == len(widths)
    restored = restoreroute.load(run.model).restore(read_image(next((run.recipe.parent / "photos/test").iterdir())))
    assert restored.shape == (192, 256, 3)


def test_without_a_baseline(run: Any) -> None:
    results = run.run(*ONE, WHOLE, "stages.baseline.iterations=0")

    assert "baseline" not in rows(results)
    assert "baseline" not in run.started()
    assert not (run.folder / "baseline.safetensors").exists()


def test_difficulty_by_a_baseline_that_is_not_trained_is_refused_in_words(run: Any) -> None:
    with pytest.raises(InputError, match=r"by this run.s baseline, and there is none") as caught:
        run.run(*ONE, "difficulty=network", "stages.baseline.iterations=0")

    assert caught.value.hint == "name a trained one: difficulty.model=FILE"


def test_difficulty_by_a_model_file(run: Any, finished: Any) -> None:
    run.run(*ONE, WHOLE, f"difficulty={{name: network, model: {finished.model}}}")
    assert "difficulty" in run.started()

    run.run(*ONE, WHOLE, f"difficulty={{name: network, model: {finished.model}}}", "stages.baseline.lr=5e-4")
    assert "difficulty" in run.reused()


def test_branches_trained_on_everything(copy: Callable[[], Any]) -> None:
    run = copy()
    overrides = ("stages.pretrain.own_class=false", *ONE, WHOLE)
    run.run(*overrides)
    before = (run.folder / "state" / "pretrain_0.pt").read_bytes()

    run.run(*overrides, "difficulty=network")

    assert {"pretrain_0", "pretrain_1"} <= set(run.reused()), "they do not depend on the split"
    assert (run.folder / "state" / "pretrain_0.pt").read_bytes() == before


def test_branches_start_from_the_baseline(copy: Callable[[], Any]) -> None:
    run = copy()
    start = ("stages.pretrain.start=baseline", "stages.pretrain.iterations=0", "stages.joint.iterations=0")
    result = run.run(*start, WHOLE)
    (single,) = result.sets
    full = single.rows[3]
    assert full.name == "branch fsrcnn-8"
    assert full.quality == single.row("baseline").quality, "as wide as the baseline, and not trained further"


def test_no_training_at_all(run: Any) -> None:
    none = [override.replace("=1", "=0") for override in ONE]

    results = run.run(*none, WHOLE, "stages.class_module.pool=500")

    assert not any(isinstance(event, TrainingProgress) for event in run.events)
    assert "pool" not in run.started(), "nobody would use it"
    assert rows(results)[-4:] == ["routed", "routed, merged", "random route", "oracle route"]
    assert results.stages == {}


def test_target_shares_reach_the_loss(copy: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restoreroute.training.loop.REPORT_SECONDS", 0.0)
    first: dict[str, float] = {}
    for shares in ("null", "[0.9, 0.1]"):
        run = copy()
        run.run(f"losses.target_shares={shares}", "losses.class=0.5", *ONE[2:], WHOLE)
        reports = [event for event in run.events if isinstance(event, TrainingProgress)]
        assert reports[0].step == "class_module"
        first[shares] = reports[0].losses["average"]

    assert first["[0.9, 0.1]"] > first["null"] + 0.1


def test_a_loss_out_of_bounds_keeps_the_last_good_checkpoint(
    copy: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The joint stage breaks down after its first checkpoint; all stages before it stay."""
    from restoreroute.training import stages

    run, calls = copy(), iter(range(1000))
    sound = stages.RoutingLoss.__call__

    def broken(self: Any, **tensors: Any) -> dict[str, torch.Tensor]:
        terms = sound(self, **tensors)
        return terms | {"total": terms["total"] * float("nan")} if next(calls) == 4 else terms

    monkeypatch.setattr(stages.RoutingLoss, "__call__", broken)
    with pytest.raises(TrainingError, match="the total loss became nan") as caught:
        run.run("stages.joint.lr=2e-4")

    assert caught.value.where == "stage joint"
    content = torch.load(run.folder / "state" / "joint.pt", weights_only=True)
    assert content["iteration"] == 3
    assert CheckpointFile(run.folder / "state" / "joint.pt", key=content["key"]).load(listen=ignore) is not None
    monkeypatch.undo()
    run.run("stages.joint.lr=2e-4")
    assert run.reused() == ["baseline", "difficulty", "pretrain_0", "pretrain_1", "class_module"]


def test_photos_too_small_for_a_sub_image_are_named(tiny: Any, tmp_path: Path) -> None:
    photos = tiny.write_photos(tmp_path / "photos")
    run = tiny.Tiny(recipe=tiny.write_recipe(tmp_path, photos), runs=tmp_path / "runs")
    from restoreroute.imaging.io import write_image

    write_image(photos / "train" / "small.png", read_image(photos / "train" / "train0.png")[:30])

    run.run(*ONE, WHOLE)

    assert [event.text for event in run.events if isinstance(event, Notice)] == [
        "left out, smaller than one sub-image of 32 x 32: small.png"
    ]


def test_a_patch_that_differs_from_the_sub_image(run: Any) -> None:
    results = run.run(*ONE, "routing.patch=10", "routing.stride=9", "branches=[4, 5]")

    assert [one.protocol for one in results.sets] == ["classsr", "whole"]
    restorer = restoreroute.load(run.model)
    assert restorer.restore(read_image(run.recipe.parent / "photos/test/test1.png")).shape == (164, 200, 3)


def test_a_dry_run_leaves_nothing_behind(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    events: list[Event] = []

    found = dry_run(recipe, overrides=["stages.class_module.pool=1000"], device="cpu", listen=events.append)

    assert list(tmp_path.iterdir()) == []
    assert found.images == {"train": 2, "validation": 1, "test": 2}
    assert len(found.costs) == 2
    assert found.costs[0].executed < found.costs[1].executed
    assert [event.iteration for event in events if isinstance(event, TrainingProgress)] == [1] * 5
    assert found.plan.stages.joint.iterations == 7


def test_results_are_plain_json(finished: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    json.loads((finished.folder / "results.json").read_text(), parse_constant=refuse)


def test_measuring_on_photos_that_were_trained_on_is_mentioned(copy: Callable[[], Any]) -> None:
    run = copy()
    run.run(*ONE, WHOLE, f"data.test={run.recipe.parent / 'photos' / 'train'}")
    notices = [event.text for event in run.events if isinstance(event, Notice)]
    assert any("2 of 2 test images are trained on too" in text for text in notices), notices


def test_a_cpu_trains_in_float32_and_says_so(run: Any) -> None:
    run.run(*ONE, WHOLE, "stages.joint.precision=bfloat16", "stages.baseline.ms_ssim=0.1", "stages.baseline.fft=0.01")

    notices = [event.text for event in run.events if isinstance(event, Notice)]
    assert notices == ["cpu does not compute in bfloat16: joint will run in float32"]
    losses = {event.step: event.losses for event in run.events if isinstance(event, TrainingProgress)}
    assert losses["baseline"].keys() == {"total", "image", "fft", "ms_ssim"}
