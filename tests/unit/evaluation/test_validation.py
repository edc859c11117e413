"""Quick figures while a stage trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from restoreroute.data.pairs import Pair
from restoreroute.data.sub_images import as_tensor
from restoreroute.evaluation.validation import Validator
from restoreroute.imaging.color import to_float
from restoreroute.imaging.metrics import psnr
from restoreroute.inference.engine import restore_cells, restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.tiles import cell_tiles
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import argmax
from restoreroute.routing.router import Router

PATCH, STRIDE = 16, 12


@pytest.fixture
def validator(model: Model, pairs: list[Pair]) -> Validator:
    return Validator(pairs, model.task.bound, patch=PATCH, stride=STRIDE, device=torch.device("cpu"))


def mean_psnr(pairs: list[Pair], restore: Callable[[torch.Tensor], torch.Tensor], model: Model) -> float:
    values = []
    for pair in pairs:
        degraded = as_tensor(pair.degraded_image(model.task.bound, seed=0)[None])[0]
        restored = restore(degraded).clamp(0, 1).permute(1, 2, 0).numpy()
        values.append(psnr(restored, to_float(np.asarray(pair.clean)), data_range=1))
    return float(np.mean(values))


def test_one_network(validator: Validator, model: Model, pairs: list[Pair]) -> None:
    for network in model.branches:
        expected = mean_psnr(pairs, lambda image, network=network: restore_whole(network, image), model)
        assert validator.network(network) == {"psnr": pytest.approx(expected, abs=1e-3)}


def test_a_random_degradation_does_not_depend_on_the_place(noisy: Model, pairs: list[Pair]) -> None:
    clean = [replace(pair, degraded=None) for pair in pairs]
    task, network = noisy.task.bound, noisy.branches[-1]

    def figure(*chosen: Pair) -> float:
        validator = Validator(chosen, task, patch=PATCH, stride=STRIDE, device=torch.device("cpu"))
        return validator.network(network)["psnr"]

    assert figure(*clean) == pytest.approx(figure(*clean[::-1]), abs=1e-9)
    assert figure(*clean) == pytest.approx((figure(clean[0]) + figure(clean[1])) / 2, abs=1e-9)


def test_the_routed_result(validator: Validator, model: Model, pairs: list[Pair]) -> None:
    module = model.class_module
    assert module is not None
    largest: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    routes = []

    def restore(image: torch.Tensor) -> torch.Tensor:
        tiles = cell_tiles(*image.shape[1:], cell=STRIDE, halo=(PATCH - STRIDE) // 2)
        probability = score_cells(module, image, cell=STRIDE, patch=PATCH).reshape(len(tiles), -1)
        largest.append(probability.max(axis=1))
        routes.append(argmax(probability))
        return restore_cells(model.branches, image, tiles, routes[-1])

    expected = mean_psnr(pairs, restore, model)
    figures = validator.router(Router(class_module=module, branches=model.branches))
    assert set(figures) == {"psnr", "confidence", "share_0", "share_1", "share_2"}
    assert figures["psnr"] == pytest.approx(expected, abs=1e-3)
    assert figures["confidence"] == pytest.approx(np.concatenate(largest).mean(), abs=1e-6)
    route = np.concatenate(routes)
    assert [figures[f"share_{branch}"] for branch in range(3)] == pytest.approx(
        [np.mean(route == branch) for branch in range(3)]
    )
