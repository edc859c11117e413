"""``restoreroute export``, and restoring on another runtime."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restoreroute.app.plugins import open_catalogue
from restoreroute.imaging.io import read_image
from restoreroute.routing.model_file import load_model

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


def test_files_do_what_the_model_does(command: Callable[..., Any], finished: Any, here: Path) -> None:
    done = command("export", "--model", finished.model, "out")

    assert done.code == 0
    names = ["branch_0.onnx", "branch_1.onnx", "class_module.onnx", "routing.json"]
    assert done.out.splitlines() == [str(here / "out" / name) for name in names]
    assert [file.name for file in here.iterdir()] == ["out"]
    model = load_model(finished.model, open_catalogue())
    routing = json.loads((here / "out" / "routing.json").read_text())
    assert [branch["operations_per_patch"] for branch in routing["branches"]] == [c.executed for c in model.costs]
    assert (routing["scale"], routing["cell"]) == (model.branches.scale, model.stride)
    assert (routing["patch"], routing["class_module"]["speed"]) == (model.patch, model.speed)
    assert model.class_module is not None
    networks = {branch["file"]: network for branch, network in zip(routing["branches"], model.branches, strict=True)}
    for name, network in {**networks, routing["class_module"]["file"]: model.class_module}.items():
        session = onnxruntime.InferenceSession(here / "out" / name, providers=["CPUExecutionProvider"])
        for shape in ((1, 3, 32, 32), (3, 3, 24, 40)):
            image = np.random.default_rng(0).random(shape, dtype=np.float32)
            with torch.no_grad():
                expected = network(torch.from_numpy(image)).numpy()
            np.testing.assert_allclose(session.run(None, {"degraded": image})[0], expected, rtol=0, atol=1e-4)


def test_an_export_that_is_there(command: Callable[..., Any], finished: Any, here: Path) -> None:
    assert command("export", "--model", finished.model, "out").code == 0
    (here / "out" / "old.txt").write_text("old")

    done = command("export", "--model", finished.model, "out")
    assert (done.code, done.error) == (2, f"{here / 'out'}: exists already (--force replaces an export)")
    assert (here / "out" / "old.txt").is_file()

    assert command("export", "--model", finished.model, "out", "--force").code == 0
    assert not (here / "out" / "old.txt").exists()
    assert [file.name for file in here.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["photos", "."])
def test_what_is_no_export_is_left_alone(command: Callable[..., Any], finished: Any, here: Path, name: str) -> None:
    (here / "photos").mkdir()
    (here / "photos" / "dear.jpg").write_text("photo")

    done = command("export", "--model", finished.model, name, "--force")

    assert done.code == 2
    assert "holds no routing.json, so it is no export" in done.error
    assert (here / "photos" / "dear.jpg").is_file()


def test_nothing_is_left_behind(
    command: Callable[..., Any], finished: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> bytes:
        raise RuntimeError("the exporter fails")

    monkeypatch.setattr("restoreroute.app.export.to_onnx", fail)

    assert command("export", "--model", finished.model, "out").code == 1
    assert list(here.iterdir()) == []


def test_a_missing_package(
    command: Callable[..., Any], finished: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)

    done = command("export", "--model", finished.model, "out")

    assert (done.code, done.error) == (2, "export: needs the package onnx (pip install 'restoreroute[onnx]')")
    assert not (here / "out").exists()


def test_a_runtime_by_name(command: Callable[..., Any], finished: Any, recipe: Path, here: Path) -> None:
    photo = recipe.parent / "photos" / "test"
    results = {}
    for runtime in ("torch", "onnxruntime"):
        done = command("restore", "--model", finished.model, photo, "-o", runtime, "--runtime", runtime)
        assert done.code == 0
        results[runtime] = [read_image(file).astype(int) for file in sorted((here / runtime).iterdir())]
    for one, other in zip(results["torch"], results["onnxruntime"], strict=True):
        assert np.abs(one - other).max() <= 1

    done = command("restore", "--model", finished.model, photo, "-o", "no", "--runtime", "openvin")
    assert done.code == 2
    assert "openvino" in done.error
