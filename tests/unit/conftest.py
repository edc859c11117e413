"""A small routed model with fresh weights, and pairs in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from restoreroute.data.pairs import Pair
from restoreroute.data.sub_images import as_tensor
from restoreroute.imaging.color import from_float, to_float
from restoreroute.routing.model_file import Model, assemble, build_class_module, build_network
from restoreroute.spec.plan import BranchPlan, TaskPlan
from restoreroute.spec.stages import ClassModuleOptions
from restoreroute_backbones.fsrcnn import FSRCNN, FsrcnnOptions
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION, SuperResolution, SuperResolutionOptions

MakeModel = Callable[..., Model]
MakePair = Callable[..., Pair]
PATCH, STRIDE, SCALE = 16, 12, 2


@pytest.fixture(scope="package")
def task() -> TaskPlan:
    options = SuperResolutionOptions(scale=SCALE)
    return TaskPlan(offer=SUPER_RESOLUTION, options=options, bound=SUPER_RESOLUTION.build(options))


@dataclass(frozen=True, kw_only=True)
class NoisyTask(SuperResolution):
    """Super-resolution with noise of its own for each image."""

    random: bool = True

    def degrade(self, clean: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        reduced = super().degrade(clean, generator)
        return reduced + generator.normal(0, 0.02, reduced.shape).astype(np.float32)


@pytest.fixture(scope="package")
def noisy(model: Model) -> Model:
    """The model, of a random task; to be used with pairs whose degraded version is not fixed."""
    return replace(model, task=replace(model.task, bound=NoisyTask(scale=SCALE)))


@pytest.fixture(scope="package")
def make_pair(task: TaskPlan) -> MakePair:
    """Makes a pair of a degraded size: soft at the left, rough at the right."""

    def make(height: int, width: int, name: str = "a.png", seed: int = 0) -> Pair:
        generator = np.random.default_rng(seed)
        shape = (height * SCALE, width * SCALE, 3)
        soft = ndimage.gaussian_filter(generator.random(shape), (4, 4, 0))
        rough = ndimage.gaussian_filter(generator.random(shape), (0.7, 0.7, 0))
        mixed = soft + np.linspace(0, 1, shape[1])[None, :, None] * (rough - 0.5)
        clean = from_float(mixed, np.dtype(np.uint8))
        degraded = task.bound.degrade(to_float(clean), np.random.default_rng(0))
        return Pair(file=Path("photos", name), clean=clean, degraded=from_float(degraded, np.dtype(np.uint8)))

    return make


@pytest.fixture(scope="package")
def pairs(make_pair: MakePair) -> list[Pair]:
    return [make_pair(30, 41, "a.png"), make_pair(16, 29, "b.png", seed=1)]


@pytest.fixture(scope="package")
def make_model(task: TaskPlan, pairs: list[Pair]) -> MakeModel:
    """Makes a model of FSRCNNs whose branches differ visibly and whose Class-Module uses all of them."""

    images = [as_tensor(pair.degraded_image(task.bound, seed=0)[None]) for pair in pairs]
    patches = torch.cat([image[..., :PATCH, x : x + PATCH] for image in images for x in range(14)])

    def make(*widths: int) -> Model:
        plans = [BranchPlan(family=FSRCNN, options=FsrcnnOptions(), width=width) for width in widths]
        networks = [build_network(plan, task, seed=plan.width) for plan in plans]
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for network in networks:
                for parameter in network.parameters():
                    parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.004)
        shape = ClassModuleOptions(width=8) if len(plans) > 1 else None
        module = None if shape is None else build_class_module(shape, channels=3, branches=len(plans), seed=0)
        if module is not None:
            with torch.no_grad():
                logits = module(patches)
                module.logits.weight.mul_(1 / logits.std(dim=0)[:, None])
                module.logits.bias.sub_(logits.mean(dim=0)).div_(logits.std(dim=0))
        return assemble(
            task=task,
            plans=plans,
            networks=networks,
            class_module=module,
            class_module_options=shape,
            patch=PATCH,
            stride=STRIDE,
            providers={},
            summary={},
        )

    return make


@pytest.fixture(scope="package")
def model(make_model: MakeModel) -> Model:
    return make_model(4, 6, 9)


@pytest.fixture(scope="package")
def single(make_model: MakeModel) -> Model:
    """A baseline: one network of its own weights."""
    return make_model(9)
