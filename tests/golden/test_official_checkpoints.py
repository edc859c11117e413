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

from restoreroute.imaging.color import to_float
from restoreroute.imaging.io import read_image
from restoreroute.inference.engine import classify, restore_classsr
from restoreroute.inference.tiles import Tile, classsr_tiles
from restoreroute.routing.model_file import Model
from restoreroute.routing.official import load_official
from restoreroute.routing.policies import argmax
from restoreroute.routing.router import Router
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.plan import TaskPlan
from restoreroute_backbones.fsrcnn import FSRCNN
from restoreroute_backbones.srresnet import SRRESNET
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION, SuperResolutionOptions


@pytest.fixture(params=[FSRCNN, SRRESNET], ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> BackboneFamily:
    return request.param


@pytest.fixture
def model(golden: Path, family: BackboneFamily) -> Model:
    options = SuperResolutionOptions()
    return load_official(
        golden / f"{family.name}_official_format.pth",
        task=TaskPlan(offer=SUPER_RESOLUTION, options=options, bound=SUPER_RESOLUTION.build(options)),
        family=family,
        options=family.options(),
        widths=family.widths,
        providers={},
    )


@pytest.fixture
def expected(golden: Path, family: BackboneFamily) -> dict[str, NDArray[Any]]:
    return load_file(golden / f"{family.name}_expected.safetensors")


@pytest.fixture
def image(golden: Path) -> Tensor:
    return torch.from_numpy(to_float(read_image(golden / "lr.png"))).permute(2, 0, 1)


@pytest.fixture
def tiles(golden: Path, image: Tensor) -> list[Tile]:
    facts = json.loads((golden / "meta.json").read_text())
    tiles = classsr_tiles(*image.shape[1:], patch=facts["patch"], stride=facts["stride"])
    assert len(tiles) == facts["tile_rows"] * facts["tile_cols"]
    return tiles


def test_parameters(golden: Path, family: BackboneFamily, model: Model) -> None:
    facts = json.loads((golden / "meta.json").read_text())["families"][family.name]
    counted = sum(cost.parameters for cost in (*model.costs, model.class_module_cost))
    assert counted == facts["parameters_total"]


def test_probabilities_and_classes(
    model: Model, image: Tensor, tiles: list[Tile], expected: dict[str, NDArray[Any]]
) -> None:
    assert model.class_module is not None
    probability = classify(model.class_module, image, tiles, patch=32)
    np.testing.assert_allclose(probability, expected["probability"], rtol=0, atol=1e-5)
    assert argmax(probability).tolist() == expected["class_index"].tolist()


def test_each_branch(model: Model, image: Tensor, expected: dict[str, NDArray[Any]]) -> None:
    assert len(model.branches) == len(expected["branch_output_tile0"]) == 3
    for branch, output in zip(model.branches, expected["branch_output_tile0"], strict=True):
        with torch.inference_mode():
            restored = branch(image[None, :, :32, :32])[0].numpy()
        np.testing.assert_allclose(restored, output, rtol=0, atol=1e-5)


def test_training_mixture(model: Model, image: Tensor, tiles: list[Tile], expected: dict[str, NDArray[Any]]) -> None:
    assert model.class_module is not None
    router = Router(class_module=model.class_module, branches=model.branches)
    boxes = [tile.window for tile in tiles[:2]]
    patches = torch.stack([image[:, box.top : box.bottom, box.left : box.right] for box in boxes])
    with torch.inference_mode():
        mixture, probability = router(patches)
    np.testing.assert_allclose(mixture.numpy(), expected["training_output_tiles"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(probability.numpy(), expected["probability"][:2], rtol=0, atol=1e-5)


def test_routed_image(model: Model, image: Tensor, tiles: list[Tile], expected: dict[str, NDArray[Any]]) -> None:
    route = expected["class_index"].astype(np.int64)
    restored = restore_classsr(model.branches, image, tiles, route).permute(1, 2, 0).numpy()
    combined = expected["combined"].astype(np.float32) / 255
    assert restored.shape == combined.shape
    np.testing.assert_allclose(restored, combined, rtol=0, atol=1.001 / 255)  # one step of 8 bits
    assert np.mean(np.abs(restored - combined) > 1e-5) < 1e-3  # which a float's last bit takes now and then
