"""The resolved recipe: everything that the core consumes, with every name looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restoreroute.spec.backbone import BackboneFamily, network_name
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.options import Options
from restoreroute.spec.routing import RoutingOptions
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
    """One branch: a width of a family.

    Attributes:
        start: a model file or a published checkpoint to start from, as the recipe says it; None for fresh weights.
    """

    family: BackboneFamily
    options: Options
    width: int
    start: str | None = None

    @property
    def name(self) -> str:
        return network_name(self.family, self.width, self.options)


def is_same_design(branch: BranchPlan, other: BranchPlan) -> bool:
    """Whether two branches that learn are of one family and compute alike, whatever their widths."""
    family, ignored = branch.family, set(branch.family.start_options)
    if family is not other.family or not family.learns:
        return False
    return branch.options.model_dump(exclude=ignored) == other.options.model_dump(exclude=ignored)


def can_start_from(branch: BranchPlan, wide: BranchPlan) -> bool:
    """Whether a branch's weights can be taken from another network: of the same function, as wide or wider."""
    if branch.width > wide.width or not is_same_design(branch, wide):
        return False
    return branch.width == wide.width or branch.family.narrow is not None


def can_start_across_scales(branch: BranchPlan, other: BranchPlan) -> bool:
    """Whether a branch can take most of its weights from a network of another scale: all but its last layers.

    Narrowing is left out: which channels matter most is asked of the last layers too.
    """
    return branch.width == other.width and is_same_design(branch, other)


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """A data source with its options."""

    offer: DataSource
    options: Options


@dataclass(frozen=True, kw_only=True)
class HardnessPlan:
    """Which sub-images networks alone are trained on, by how hard they are.

    Attributes:
        keep: shares by rank between which sub-images are kept, counted from the hardest, within [0, 1] and rising.
    """

    offer: DifficultyEstimator
    options: Options
    keep: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class DataPlan:
    """Which images, and how sub-images are cut from them.

    Attributes:
        sub_image: side of a training sub-image in degraded pixels.
        step: distance of two sub-images in degraded pixels.
        clean_scales: sizes of the clean image that sub-images are cut from, as factors in (0, 1].
        augment: whether training flips and rotates at random.
        shuffle_colours: whether training puts colour channels in any order.
        hardness: which sub-images networks alone are trained on; None for all.
    """

    train: SourcePlan
    validation: SourcePlan
    test: SourcePlan
    sub_image: int
    step: int
    clean_scales: tuple[float, ...]
    augment: bool
    shuffle_colours: bool = False
    hardness: HardnessPlan | None = None


@dataclass(frozen=True, kw_only=True)
class DifficultyPlan:
    """How sub-images are scored and split into one class per branch: by rank into equal parts, unless said.

    Attributes:
        quantiles: shares of the sub-images, by rank, at which one class ends and the next begins; rising.
        thresholds: scores at which one class ends and the next begins; rising.  One of the two is None.
    """

    offer: DifficultyEstimator
    options: Options
    quantiles: tuple[float, ...] | None = None
    thresholds: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """What the run measures at its end.

    Attributes:
        protocols: names among ``"classsr"``, ``"whole"`` and ``"classes"``.
        crop: side of the centre square of each clean image that is measured; None for the whole image.
    """

    protocols: tuple[str, ...]
    crop: int | None


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Everything a run needs.

    Attributes:
        name: name of the run, and of its folder.
        branches: cheapest first; the last one is the full network, which is also the baseline.  One branch is a
            single network: stage ``baseline`` trains it, and the parts of a routed model have no effect.
        difficulty: None for a single network.
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
    difficulty: DifficultyPlan | None
    stages: Stages
    routing: RoutingOptions
    evaluation: EvaluationPlan
    providers: Mapping[str, Provider]
    recipe: Mapping[str, Any]

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The training stages of the plan, in order: all of them, or ``baseline`` for a single network."""
        return ("baseline",) if self.difficulty is None else tuple(type(self.stages).model_fields)

    @property
    def has_classes(self) -> bool:
        """Whether anything asks for difficulty classes: a branch that trains on its own, or a measurement by class."""
        pretrain = self.stages.pretrain
        trained = any(
            branch.family.learns and pretrain.of_branch(number).iterations
            for number, branch in enumerate(self.branches)
        )
        return self.difficulty is not None and (
            "classes" in self.evaluation.protocols or (pretrain.own_class and trained)
        )

    @property
    def has_baseline(self) -> bool:
        """Whether the full network is trained alone, or comes trained from a file."""
        return bool(self.stages.baseline.iterations) or self.branches[-1].start is not None
