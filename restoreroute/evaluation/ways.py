"""One image restored every way that is compared: interpolation, single networks, the route and its bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from restoreroute.evaluation.protocols import EvaluationProtocol
from restoreroute.imaging.color import from_float, to_float
from restoreroute.inference.engine import crop, run_tiles
from restoreroute.inference.seamless import operations_of_all
from restoreroute.inference.tiles import Tile, covered
from restoreroute.routing.cost import Cost
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, fixed, oracle, shuffled
from restoreroute.spec.plan import BranchPlan

INTERPOLATION = "interpolation"
BASELINE = "baseline"
ROUTED = "routed"
MERGED = "routed, merged"
RANDOM = "random route"
ORACLE = "oracle route"


def branch_way(plan: BranchPlan) -> str:
    """What the way is called that restores everything through one branch."""
    return f"branch {plan.name}"


@dataclass(frozen=True, kw_only=True)
class Work:
    """Operations done for one image; figures of several images add up.

    Attributes:
        patches: number of patches, or the image's area in patches where it is restored in one pass.
        executed: executed operations of the branches as if every patch had full size.
        paper: the same in the paper's convention, with the Class-Module, which published figures include.
        area: the image's area in patches, without overlap.
        charged: executed operations of branches (over the windows that they really see) and Class-Module.
    """

    patches: float = 0
    executed: float = 0
    paper: float = 0
    area: float = 0
    charged: float = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            patches=self.patches + other.patches,
            executed=self.executed + other.executed,
            paper=self.paper + other.paper,
            area=self.area + other.area,
            charged=self.charged + other.charged,
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One image restored one way.

    Attributes:
        restored: (H, W, C) in [0, 1], not clipped.
        route: (N,) branch of each tile, None where nothing is routed.
        confidence: (N,) largest probability of each tile, where the Class-Module chose the route.
    """

    way: str
    restored: NDArray[np.float32]
    route: Route | None
    work: Work
    seconds: float
    confidence: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Restores one image in every way.

    Attributes:
        model: the model; with one branch there is nothing to route.
        baseline: the full network trained alone, if there is one.
        degraded: (C, h, w) in [0, 1].
        clean: (C, H, W) in [0, 1], what the oracle knows.
        generator: randomness of the random route.
    """

    model: Model
    baseline: Model | None
    protocol: EvaluationProtocol
    degraded: Tensor
    clean: Tensor
    generator: np.random.Generator

    def outcomes(self) -> Iterator[Outcome]:
        """Every way in the order of the result table; seconds are taken around each."""
        model, tiles = self.model, self.tiles
        yield self._timed(INTERPOLATION, self._interpolate, None, Work(patches=len(tiles), area=self._area()))
        if self.baseline is not None:
            yield self._single(BASELINE, self.baseline.branches[-1], self.baseline.costs[-1])
        for network, plan, cost in zip(model.branches, model.plans, model.costs, strict=True):
            yield self._single(branch_way(plan), network, cost)
        if model.class_module is None:
            return
        start = time.perf_counter()
        probability = self.protocol.score(model.class_module, self.degraded, self.tiles)
        seconds = time.perf_counter() - start
        routed = model.route(probability)
        outcome = self._routed(ROUTED, routed)
        yield replace(outcome, seconds=outcome.seconds + seconds, confidence=probability.max(axis=1))
        if (merged := self._merged(routed)) is not None:
            yield replace(merged, seconds=merged.seconds + seconds)
        yield self._routed(RANDOM, shuffled(routed, self.generator))
        yield self._routed(ORACLE, self._oracle(routed))

    @cached_property
    def tiles(self) -> list[Tile]:
        """Units of routing."""
        return self.protocol.tiles(*self.degraded.shape[1:])

    def _single(self, way: str, network: nn.Module, cost: Cost) -> Outcome:
        tiles, area = self.tiles, self._area()
        tiled = self.protocol.single_is_tiled()
        patches = len(tiles) if tiled else area
        windows = sum(tile.window.area for tile in tiles) / self.model.patch**2 if tiled else area
        work = Work(
            patches=patches,
            executed=patches * cost.executed,
            paper=patches * cost.paper,
            area=area,
            charged=windows * cost.executed,
        )
        scale = self.model.branches.scale
        return self._timed(way, lambda: self.protocol.restore_single(network, self.degraded, tiles, scale), None, work)

    def _routed(self, way: str, route: Route) -> Outcome:
        """Each tile apart: routes are compared like this, so that each gets what it asks for."""
        return self._timed(
            way,
            lambda: self.protocol.restore_routed(self.model.branches, self.degraded, self.tiles, route),
            route,
            self._routed_work(route, self.tiles, route),
        )

    def _merged(self, route: Route) -> Outcome | None:
        """The route as images are restored by it; the time to merge is part of its seconds."""
        start = time.perf_counter()
        regions = self.protocol.merge(self.model, self.degraded, route)
        seconds = time.perf_counter() - start
        if regions is None:
            return None
        got = regions.cells.ravel()
        outcome = self._timed(
            MERGED,
            lambda: self.protocol.restore_routed(self.model.branches, self.degraded, regions.tiles, regions.route),
            got,
            self._routed_work(got, regions.tiles, regions.route),
        )
        return replace(outcome, seconds=outcome.seconds + seconds)

    def _routed_work(self, route: Route, runs: Sequence[Tile], branches: Route) -> Work:
        """What a route of the tiles costs when it is done in some runs, each through one of the branches."""
        executed = np.array([cost.executed for cost in self.model.costs], dtype=np.float64)
        paper = np.array([cost.paper for cost in self.model.costs], dtype=np.float64)
        patches, class_module = len(self.tiles), self.model.class_module_cost
        return Work(
            patches=patches,
            executed=float(executed[route].sum()),
            paper=float(paper[route].sum()) + patches * class_module.paper,
            area=self._area(),
            charged=operations_of_all(self.model, runs, branches) + patches * class_module.executed,
        )

    def _oracle(self, routed: Route) -> Route:
        """The best route at the routed one's mean cost; it looks at the clean image."""
        tiles, scale = self.tiles, self.model.branches.scale
        cost = [branch.executed for branch in self.model.costs]
        error = np.empty((len(tiles), len(cost)))
        for branch in range(len(cost)):
            everywhere = fixed(branch, len(tiles))
            for position, output in run_tiles(self.model.branches, self.degraded, tiles, everywhere):
                tile = tiles[position]
                difference = output.clamp(0, 1) - crop(self.clean, tile.inside, scale)
                error[position, branch] = difference.square().sum().item()
        return oracle(error, cost, float(np.asarray(cost, dtype=np.float64)[routed].mean()))

    def _interpolate(self) -> Tensor:
        image = self.degraded.permute(1, 2, 0).cpu().numpy()
        height, width = covered(self.tiles)
        scale = self.model.branches.scale
        restored = self.model.task.bound.interpolate(image)[: height * scale, : width * scale]
        return torch.from_numpy(to_float(from_float(restored, np.uint8))).permute(2, 0, 1)

    def _area(self) -> float:
        height, width = covered(self.tiles)
        return height * width / self.model.patch**2

    def _timed(self, way: str, restore: Callable[[], Tensor], route: Route | None, work: Work) -> Outcome:
        start = time.perf_counter()
        restored = restore()
        array = restored.permute(1, 2, 0).cpu().numpy()  # waits for a device to finish
        seconds = time.perf_counter() - start
        return Outcome(way=way, restored=array, route=route, work=work, seconds=seconds)
