"""The resolved recipe: everything that the core consumes, with every name looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restoreroute.spec.backbone import BackboneFamily, network_name
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.options import Options
from restoreroute.spec.source import DataSource
from restoreroute.spec.stages import ClassModuleOptions, LossOptions, Stages
from restoreroute.spec.task import BoundTask, Task


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Who an offering comes from: the distribution to install to get it."""

    distribution: str
    version: str


@dataclass(frozen=True, kw_only=True)
class TaskPlan:
    """A task with its options, and the same task bound to them."""

    offer: Task
    options: Options
    bound: BoundTask


@dataclass(frozen=True, kw_only=True)
class BranchPlan:
    """One branch: a width of a family."""

    family: BackboneFamily
    options: Options
    width: int

    @property
    def name(self) -> str:
        return network_name(self.family, self.width, self.options)


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """A data source with its options."""

    offer: DataSource
    options: Options


@dataclass(frozen=True, kw_only=True)
class DataPlan:
    """Which images, and how sub-images are cut from them.

    Attributes:
        sub_image: side of a training sub-image in degraded pixels.
        step: distance of two sub-images in degraded pixels.
        clean_scales: sizes of the clean image that sub-images are cut from, as factors in (0, 1].
        augment: whether training flips and rotates at random.
    """

    train: SourcePlan
    validation: SourcePlan
    test: SourcePlan
    sub_image: int
    step: int
    clean_scales: tuple[float, ...]
    augment: bool


@dataclass(frozen=True, kw_only=True)
class DifficultyPlan:
    """How sub-images are scored for the split into one class per branch, by rank."""

    offer: DifficultyEstimator
    options: Options


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """What the run measures at its end.

    Attributes:
        protocols: names among ``"classsr"`` and ``"whole"``.
        patch: side of an inference patch in degraded pixels.
        stride: distance of two patches, at most ``patch``.
    """

    protocols: tuple[str, ...]
    patch: int
    stride: int


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Everything a run needs.

    Attributes:
        name: name of the run, and of its folder.
        branches: cheapest first; the last one is the full network, which is also the baseline.
        providers: of every offering named in the recipe, keyed ``"<kind> <name>"``.
        recipe: the recipe as plain data, defaults filled in, overrides applied.
    """

    name: str
    seed: int
    task: TaskPlan
    branches: tuple[BranchPlan, ...]
    class_module: ClassModuleOptions
    losses: LossOptions
    data: DataPlan
    difficulty: DifficultyPlan
    stages: Stages
    evaluation: EvaluationPlan
    providers: Mapping[str, Provider]
    recipe: Mapping[str, Any]
