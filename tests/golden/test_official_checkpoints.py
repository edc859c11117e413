"""Routed checkpoints in the authors' layout against what their networks gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor

from restoreroute.app.convert import convert_checkpoint
from restoreroute.app.plugins import open_catalogue
from restoreroute.imaging.color import to_float
from restoreroute.imaging.io import read_image
from restoreroute.inference.engine import classify, restore_classsr
from restoreroute.inference.tiles import Tile, classsr_tiles
from restoreroute.routing.model_file import Model, load_model
from restoreroute.routing.policies import argmax
from restoreroute.routing.router import Router

WIDTHS = {"fsrcnn": (16, 36, 56), "carn": (36, 52, 64), "srresnet": (36, 52, 64), "rcan_small": (36, 50, 64)}
OPTIONS = {"srresnet": {"blocks": 16}, "rcan_small": {"groups": 2, "blocks": 2, "value_range": 255}}
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=WIDTHS)
def name(request: pytest.FixtureRequest) -> str:
    """Of the golden files; the family is what comes before the first underscore."""
    return request.param


@pytest.fixture(scope="module")
def model(golden: Path, name: str, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The checkpoint, recognised, written as a model file and read again."""
    path = tmp_path_factory.mktemp("golden") / "model.safetensors"
    convert_checkpoint(golden / f"{name}_official_format.pth", path)
    return load_model(path, open_catalogue())


@pytest.fixture
def expected(golden: Path, name: str) -> dict[str, NDArray[Any]]:
    return load_file(golden / f"{name}_expected.safetensors")


@pytest.fixture
def image(golden: Path) -> Tensor:
    return torch.from_numpy(to_float(read_image(golden / "lr.png"))).permute(2, 0, 1)


@pytest.fixture
def tiles(golden: Path, image: Tensor) -> list[Tile]:
    facts = json.loads((golden / "meta.json").read_text())
    tiles = classsr_tiles(*image.shape[1:], patch=facts["patch"], stride=facts["stride"])
    assert len(tiles) == facts["tile_rows"] * facts["tile_cols"]
    return tiles


def test_what_is_recognised(name: str, model: Model) -> None:
    assert {plan.family.name for plan in model.plans} == {name.partition("_")[0]}
    assert tuple(plan.width for plan in model.plans) == WIDTHS[name]
    for plan in model.plans:
        assert plan.options == plan.family.options.model_validate(OPTIONS.get(name, {}))
    assert (model.task.offer.name, model.task.bound.scale) == ("super_resolution", 4)


def test_every_number_is_there(golden: Path, name: str, model: Model) -> None:
    facts = json.loads((golden / "meta.json").read_text())["families"][name]
    assert model.class_module is not None
    tensors = [*model.branches.state_dict().values(), *model.class_module.state_dict().values()]
    counted = sum(tensor.numel() for tensor in tensors)  # statistics of CARN's normalisation included
    assert counted == facts["parameters_total"]


def test_probabilities_and_classes(
    model: Model, image: Tensor, tiles: list[Tile], expected: dict[str, NDArray[Any]]
) -> None:
    assert model.class_module is not None
    probability = classify(model.class_module, image, tiles)
    np.testing.assert_allclose(probability, expected["probability"], rtol=0, atol=TOLERANCE)
    assert argmax(probability).tolist() == expected["class_index"].tolist()


def test_each_branch(model: Model, image: Tensor, expected: dict[str, NDArray[Any]]) -> None:
    assert len(model.branches) == len(expected["branch_output_tile0"]) == 3
    for branch, output in zip(model.branches, expected["branch_output_tile0"], strict=True):
        with torch.inference_mode():
            restored = branch(image[None, :, :32, :32])[0].numpy()
        np.testing.assert_allclose(restored, output, rtol=0, atol=TOLERANCE)


def test_training_mixture(model: Model, image: Tensor, tiles: list[Tile], expected: dict[str, NDArray[Any]]) -> None:
    assert model.class_module is not None
    router = Router(class_module=model.class_module, branches=model.branches)
    boxes = [tile.window for tile in tiles[:2]]
    patches = torch.stack([image[:, box.top : box.bottom, box.left : box.right] for box in boxes])
    with torch.inference_mode():
        mixture, probability = router(patches)
    np.testing.assert_allclose(mixture.numpy(), expected["training_output_tiles"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(probability.numpy(), expected["probability"][:2], rtol=0, atol=TOLERANCE)


def test_routed_image(model: Model, image: Tensor, tiles: list[Tile], expected: dict[str, NDArray[Any]]) -> None:
    route = expected["class_index"].astype(np.int64)
    restored = restore_classsr(model.branches, image, tiles, route).permute(1, 2, 0).numpy()
    combined = expected["combined"].astype(np.float32) / 255
    assert restored.shape == combined.shape
    np.testing.assert_allclose(restored, combined, rtol=0, atol=1.001 / 255)  # one step of 8 bits
    assert np.mean(np.abs(restored - combined) > 1e-5) < 1e-3  # which a float's last bit takes now and then
