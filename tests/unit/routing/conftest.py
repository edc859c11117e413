"""A catalogue without what else is installed, and small routed models."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import restoreroute_backbones
import restoreroute_tasks
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.plugin.host import PluginHost
from restoreroute.routing.model_file import Model, assemble, build_class_module, build_network
from restoreroute.spec.plan import BranchPlan, Provider, TaskPlan
from restoreroute.spec.stages import ClassModuleOptions
from restoreroute_backbones.fsrcnn import FSRCNN, FsrcnnOptions
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION, SuperResolutionOptions

MakeModel = Callable[..., Model]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    host = PluginHost()
    host.register(restoreroute_tasks, name="tasks", distribution="restoreroute")
    host.register(restoreroute_backbones, name="backbones", distribution="restoreroute")
    return host.catalogue()


@pytest.fixture(scope="module")
def task() -> TaskPlan:
    options = SuperResolutionOptions(scale=2)
    return TaskPlan(offer=SUPER_RESOLUTION, options=options, bound=SUPER_RESOLUTION.build(options))


@pytest.fixture(scope="module")
def make_model(task: TaskPlan) -> MakeModel:
    """Makes a model of fresh FSRCNNs; with one width there is nothing to route."""

    def make(*widths: int, seed: int = 0) -> Model:
        plans = [BranchPlan(family=FSRCNN, options=FsrcnnOptions(), width=width) for width in widths]
        shape = ClassModuleOptions(width=8) if len(plans) > 1 else None
        return assemble(
            task=task,
            plans=plans,
            networks=[build_network(plan, task, seed=seed + number) for number, plan in enumerate(plans)],
            class_module=None
            if shape is None
            else build_class_module(shape, channels=3, branches=len(plans), seed=seed + 99),
            class_module_options=shape,
            patch=16,
            stride=12,
            providers={
                "task super_resolution": Provider(distribution="restoreroute", version="0.1"),
                "backbone family fsrcnn": Provider(distribution="fsrcnn-for-all", version="7.1"),
            },
            summary={"iterations": 12, "note": "größer"},
        )

    return make
