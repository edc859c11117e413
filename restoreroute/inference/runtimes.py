"""Branches on another runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from torch import Tensor, nn

from restoreroute.routing.branches import BranchBank
from restoreroute.routing.model_file import Model
from restoreroute.routing.onnx_file import to_onnx
from restoreroute.spec.runtime import Prepare


class _Prepared(nn.Module):
    """A branch as a runtime runs it."""

    def __init__(self, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.run = run

    def forward(self, degraded: Tensor) -> Tensor:
        return self.run(degraded)


def on_runtime(model: Model, prepare: Prepare) -> Model:
    """A model whose branches run on a runtime: whole, but for those that it gives back as they are.

    Routing does not change: the Class-Module stays in torch, and regions are cut alike.
    """
    networks: list[nn.Module] = []
    splits = []
    for plan, network in zip(model.plans, model.branches, strict=True):
        run = prepare(network, partial(to_onnx, network, channels=model.task.bound.channels))
        networks.append(network if run is network else _Prepared(run))
        splits.append(plan.family.chains if run is network else None)
    return replace(model, branches=BranchBank(networks, scale=model.branches.scale, splits=splits).eval())
