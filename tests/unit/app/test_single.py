"""A recipe of one branch, from photos to a restored image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import restoreroute
from restoreroute.app.dry_run import dry_run
from restoreroute.app.evaluate import evaluate_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.results import finished_run
from restoreroute.app.run import run_recipe
from restoreroute.imaging.io import read_image
from restoreroute.recipe.resolve import load_recipe
from restoreroute.routing.model_file import load_model
from restoreroute.spec.events import Event, RunFinished, TrainingProgress

ROWS = ["interpolation", "branch fsrcnn-8"]


@pytest.fixture(scope="module")
def single_recipe(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recipe with one branch and without what only a routed model has."""
    kept = [
        line
        for line in recipe.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith(("class_module:", "pretrain:", "joint:"))
    ]
    path = tmp_path_factory.mktemp("single") / "tiny.yml"
    path.write_text("\n".join(kept).replace("branches: [4, 8]", "branches: [8]"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished_single(tiny: Any, single_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished run that nobody may change."""
    run = tiny.Tiny(recipe=single_recipe, runs=tmp_path_factory.mktemp("runs"))
    run.run()
    return run


def test_only_the_baseline_stage_runs(finished_single: Any) -> None:
    assert finished_single.started() == ["data", "baseline", "evaluate classsr", "evaluate whole"]
    assert list(finished_single.results[0].stages) == ["baseline"]


def test_the_folder_holds_one_network(finished_single: Any) -> None:
    names = {path.name for path in finished_single.folder.iterdir()}
    assert names == {
        ".lock",
        "recipe.resolved.yml",
        "model.safetensors",
        "results.json",
        "curves.png",
        "events",
        "state",
    }
    last = finished_single.events[-1]
    assert isinstance(last, RunFinished)
    assert set(last.files) == {"model", "results", "curves", "recipe"}

    model = load_model(finished_single.model, open_catalogue())

    assert [plan.name for plan in model.plans] == ["fsrcnn-8"]
    assert model.class_module is model.class_module_options is None
    assert not any("difficulty" in provider for provider in model.providers)


def test_it_is_what_the_baseline_of_a_routed_model_is(finished_single: Any, finished: Any) -> None:
    baseline = load_model(finished.folder / "baseline.safetensors", open_catalogue()).branches.state_dict()
    network = load_model(finished_single.model, open_catalogue()).branches.state_dict()

    assert baseline.keys() == network.keys()
    assert all(torch.equal(network[name], tensor) for name, tensor in baseline.items())


def test_interpolation_and_the_network_are_measured(finished_single: Any, finished: Any) -> None:
    for one, routed in zip(finished_single.results[0].sets, finished.results[0].sets, strict=True):
        assert [row.name for row in one.rows] == ROWS
        assert one.confidence is None
        assert one.class_module == 0
        assert one.row("branch fsrcnn-8").quality == routed.row("baseline").quality
        assert one.row("branch fsrcnn-8").shares == ()


def test_the_resolved_recipe_is_the_same_recipe(finished_single: Any, single_recipe: Path) -> None:
    resolved = load_recipe(finished_single.folder / "recipe.resolved.yml", open_catalogue())

    assert resolved == load_recipe(single_recipe, open_catalogue())


def test_results_can_be_read_again(finished_single: Any) -> None:
    assert finished_run(finished_single.folder).results == finished_single.results[0]


def test_evaluating_the_file_gives_the_figures_of_the_run(finished_single: Any, recipe: Path) -> None:
    (again,) = evaluate_model(finished_single.model, [recipe.parent / "photos" / "test"], protocols=["whole"])

    assert [row.name for row in again.rows] == ROWS
    (whole,) = (one for one in finished_single.results[0].sets if one.protocol == "whole")
    assert [row.quality for row in again.rows] == [row.quality for row in whole.rows]


def test_it_restores(finished_single: Any, recipe: Path) -> None:
    image = read_image(recipe.parent / "photos" / "test" / "test1.png")

    assert restoreroute.load(finished_single.model).restore(image).shape == (164, 200, 3)


def test_a_stopped_run_ends_with_the_same_bits(
    finished_single: Any, single_recipe: Path, tmp_path: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StoppedError(Exception):
        pass

    def stop(event: Event) -> None:
        if isinstance(event, TrainingProgress) and event.iteration == 5:
            raise StoppedError

    run = tiny.Tiny(recipe=single_recipe, runs=tmp_path)
    monkeypatch.setattr("restoreroute.training.loop.REPORT_SECONDS", 0.0)
    with pytest.raises(StoppedError):
        run_recipe(single_recipe, runs=tmp_path, device="cpu", listen=stop)

    run.run()

    assert run.model.read_bytes() == finished_single.model.read_bytes()
    run.run()
    assert run.reused() == ["baseline", "evaluate classsr", "evaluate whole"]


def test_what_an_earlier_routed_run_left_is_no_part_of_it(copy: Callable[[], Any], single_recipe: Path) -> None:
    """Another baseline beside the model would be measured with it."""
    run = copy()

    run_recipe(single_recipe, runs=run.runs, device="cpu")

    left = {path.name for path in run.folder.iterdir()}
    assert not left & {"baseline.safetensors", "routes"}
    saved = json.loads((run.folder / "results.json").read_text())
    assert [row["name"] for row in saved["sets"][0]["rows"]] == ROWS


def test_a_dry_run(single_recipe: Path) -> None:
    events: list[Event] = []

    found = dry_run(single_recipe, device="cpu", listen=events.append)

    assert found.class_module is None
    assert [cost.parameters for cost in found.costs] == [found.costs[0].parameters]
    assert [event.iteration for event in events if isinstance(event, TrainingProgress)] == [1]
