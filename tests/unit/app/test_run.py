"""What a run writes and returns."""

from __future__ import annotations

import json
import math
import struct
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

import restoreroute
from restoreroute.app.plugins import open_catalogue
from restoreroute.imaging.io import read_image
from restoreroute.recipe.resolve import load_recipe
from restoreroute.reporting.results_file import load_results
from restoreroute.spec.events import RunFinished, RunStarted, StepFinished, StepStarted, TrainingProgress

ROWS = [
    "interpolation",
    "baseline",
    "branch fsrcnn-4",
    "branch fsrcnn-8",
    "routed",
    "routed, merged",
    "random route",
    "oracle route",
]


@pytest.fixture(scope="module")
def results(finished: Any) -> dict[str, Any]:
    return json.loads((finished.folder / "results.json").read_text())


def test_the_python_door_runs_a_recipe(
    recipe: Path, finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = {f"stages.{stage}.iterations": 1 for stage in ("baseline", "pretrain", "class_module", "joint")}

    results = restoreroute.run(recipe, {**few, "name": "door", "evaluation.protocols": ["whole"]})

    assert results.folder == str(Path("runs/door"))
    assert [one.protocol for one in results.sets] == ["whole"]
    assert Path(results.model).is_file()


def test_every_file_is_there_and_nothing_else(finished: Any) -> None:
    files = {path.relative_to(finished.folder).as_posix() for path in finished.folder.rglob("*") if path.is_file()}
    stages = ("baseline", "pretrain_0", "pretrain_1", "class_module", "joint")

    events = {name for name in files if name.startswith("events/")}
    assert {Path(name).parent.name for name in events} == set(stages)
    assert files - events - {".lock"} == {
        "recipe.resolved.yml",
        "model.safetensors",
        "baseline.safetensors",
        "results.json",
        "curves.png",
        *(f"routes/{protocol}/test{photo}.png" for protocol in ("classsr", "whole") for photo in (0, 1)),
        "state/difficulty.npz",
        "state/preference.json",
        *(f"state/{stage}.pt" for stage in stages),
        *(f"state/{stage}.pt.previous" for stage in stages),
    }


def test_the_resolved_recipe_is_the_same_recipe(finished: Any) -> None:
    catalogue = open_catalogue()
    resolved = finished.folder / "recipe.resolved.yml"

    assert load_recipe(resolved, catalogue) == load_recipe(finished.recipe, catalogue)


def test_the_resolved_recipe_says_what_made_it(finished: Any) -> None:
    head = [line for line in (finished.folder / "recipe.resolved.yml").read_text().splitlines() if line[0] == "#"]
    text = "\n".join(head)

    assert f"# restoreroute: {restoreroute_version()}" in text
    assert "#   torch: 2." in text
    assert "# seed: 0" in text
    for offering in (
        "backbone family fsrcnn",
        "task super_resolution",
        "data source folder",
        "difficulty estimator interpolation",
    ):
        assert f"#   {offering}: restoreroute {restoreroute_version()}" in text


def restoreroute_version() -> str:
    from importlib.metadata import version

    return version("restoreroute")


def test_the_model_file_names_its_parts(finished: Any) -> None:
    with safe_open(finished.model, framework="np") as file:
        names = set(file.keys())
        header = json.loads(file.metadata()["restoreroute"])
    with safe_open(finished.folder / "baseline.safetensors", framework="np") as file:
        alone = set(file.keys())

    assert {name.split(".")[0] for name in names} == {"class_module", "branches"}
    assert {name.split(".")[1] for name in names if name.startswith("branches")} == {"0", "1"}
    assert {".".join(name.split(".")[:2]) for name in alone} == {"branches.0"}
    assert header["task"]["options"] == {"scale": 4}
    assert [branch["width"] for branch in header["branches"]] == [4, 8]
    assert (header["patch"], header["stride"]) == (8, 6)


def test_results_hold_every_way_under_both_protocols(results: dict[str, Any]) -> None:
    assert [one["protocol"] for one in results["sets"]] == ["classsr", "whole"]
    for one in results["sets"]:
        rows = [row for row in ROWS if row != "routed, merged" or one["protocol"] == "whole"]
        assert [row["name"] for row in one["rows"]] == rows
        assert [image["file"] for image in one["images"]] == ["test0.png", "test1.png"]
        assert all(list(image["rows"]) == rows for image in one["images"])
        for row in one["rows"]:
            assert math.isfinite(row["quality"]["psnr_rgb"])
            assert not row["shares"] or sum(row["shares"]) == pytest.approx(1)


def test_results_say_what_made_them(results: dict[str, Any]) -> None:
    made_by = results["provenance"]

    assert made_by["seed"] == 0
    assert made_by["restoreroute"].startswith(restoreroute_version())
    assert made_by["plugins"]["backbone family fsrcnn"] == f"restoreroute {restoreroute_version()}"


def test_what_is_returned_is_what_is_written(finished: Any, results: dict[str, Any], copy: Any) -> None:
    moved = copy()
    returned = moved.run()
    written = load_results(finished.folder / "results.json", key=results["key"])

    assert written is not None
    assert (written.name, written.model) == ("tiny", str(finished.model))
    assert returned == replace(written, folder=str(moved.folder), model=str(moved.model))


def test_every_stage_is_validated_when_it_should_be(results: dict[str, Any]) -> None:
    stages = results["stages"]

    assert list(stages) == ["baseline", "pretrain_0", "pretrain_1", "class_module", "joint"]
    for name, figures in stages.items():
        assert [one["iteration"] for one in figures] == [2, 4, 6, 7]
        routed = {"confidence", "share_0", "share_1"} if name in {"class_module", "joint"} else set()
        assert all(one.keys() == {"iteration", "psnr", *routed} for one in figures)


def test_routing_maps_are_as_large_as_the_photos(finished: Any) -> None:
    routes = finished.folder / "routes" / "whole"

    assert read_image(routes / "test0.png").shape == (48, 64, 3)
    assert read_image(routes / "test1.png").shape == (40, 48, 3)


def test_events_tell_the_run_in_order(finished: Any) -> None:
    run = finished
    first, last = run.events[0], run.events[-1]
    assert isinstance(first, RunStarted)
    assert first.steps == (
        "data",
        "baseline",
        "difficulty",
        "pretrain_0",
        "pretrain_1",
        "class_module",
        "joint",
        "preference",
        "evaluate classsr",
        "evaluate whole",
    )
    assert tuple(run.started()) == first.steps
    assert tuple(event.step for event in run.events if isinstance(event, StepFinished)) == first.steps
    assert sum(isinstance(event, StepStarted) for event in run.events) == 10
    assert isinstance(last, RunFinished)
    assert all(Path(path).exists() for path in last.files.values())
    for event in run.events:
        if isinstance(event, TrainingProgress):
            routed = event.step in {"class_module", "joint"}
            assert set(event.losses) == {"total", "image", *(("class", "average") if routed else ())}
            assert (len(event.shares), event.confidence is not None) == ((2, True) if routed else (0, False))


def test_tensorboard_files_hold_every_curve(finished: Any) -> None:
    single = {"loss/total", "loss/image", "learning_rate", "validation/psnr"}
    routed = single | {
        "loss/class",
        "loss/average",
        "share/branch_0",
        "share/branch_1",
        "confidence",
        "validation/confidence",
        "validation/share_0",
        "validation/share_1",
    }
    for stage in ("baseline", "pretrain_0", "pretrain_1", "class_module", "joint"):
        (file,) = (finished.folder / "events" / stage).iterdir()
        points = scalars(file)

        assert {tag for tag, _ in points} == (routed if stage in {"class_module", "joint"} else single)
        assert {step for tag, step in points if tag == "validation/psnr"} == {2, 4, 6, 7}
        assert {3, 6, 7} <= {step for tag, step in points if tag == "loss/total"}


def scalars(file: Path) -> set[tuple[str, int]]:
    """Tag and step of every point: records are length (8 bytes), its checksum (4), an Event, its checksum (4)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboardX.proto.event_pb2 import Event

    data, points, place = file.read_bytes(), set(), 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        event = Event.FromString(data[place + 12 : place + 12 + length])
        points |= {(value.tag, event.step) for value in event.summary.value}
        place += 16 + length
    return points
