"""What a recipe can hold, with all shorthands written out (see :mod:`restoreroute.recipe.shorthand`)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from restoreroute.spec.options import Options
from restoreroute.spec.routing import RoutingOptions
from restoreroute.spec.stages import ClassModuleOptions, LossOptions, Stages

DEFAULT_DIFFICULTY = "interpolation"
DEFAULT_PROTOCOLS = ("classsr", "whole")
CLASSES = "classes"
PROTOCOLS = (*DEFAULT_PROTOCOLS, CLASSES)
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"
MIN_SIDE = 8
MAX_BRANCHES = 64


def checked_name(name: str) -> str:
    """The name, if it can be that of a folder everywhere.

    Raises:
        ValueError: if it can't.
    """
    if not re.fullmatch(NAME_PATTERN.strip("^$"), name):
        raise ValueError(f"must be letters, digits, '.', '_' and '-', the first no '.' or '-', not {name!r}")
    return name


def _checked_protocols(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("must hold at least one protocol")
    if len(set(names)) < len(names):
        raise ValueError("must not hold a protocol twice")
    return names


class WithOptions(Options):
    """Keys that are not fields are options of an offering, checked once that is looked up."""

    model_config = ConfigDict(extra="allow")

    @property
    def chosen(self) -> dict[str, Any]:
        """The options as they were written."""
        return dict(self.model_extra or {})


class Choice(WithOptions):
    """An offering and its options: keys beside ``name`` are the options of what is named."""

    name: str = Field(min_length=1, description="name of the offering; 'restoreroute plugins' lists them")


class DifficultyChoice(Choice):
    """A difficulty estimator and its options, and where one class ends and the next begins."""

    name: str = Field(DEFAULT_DIFFICULTY, min_length=1, description="name of the difficulty estimator")
    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] | None = Field(
        None,
        description="shares of the sub-images, by rank, at which one class ends and the next begins: one fewer than "
        "branches, rising; equal parts if neither this nor thresholds is set",
    )
    thresholds: tuple[float, ...] | None = Field(
        None,
        description="scores at which one class ends and the next begins: one fewer than branches, rising; "
        "the score of a PSNR is its negative, so 35.15 and 27.17 dB are [-35.15, -27.17]",
    )


def _checked_keep(keep: tuple[float, float]) -> tuple[float, float]:
    if keep[0] >= keep[1]:
        raise ValueError(f"must rise, not go from {keep[0]:g} to {keep[1]:g}")
    return keep


Share = Annotated[float, Field(ge=0, le=1)]


class HardnessChoice(Choice):
    """Which sub-images to keep, by their rank among all, hardest first."""

    name: str = Field(DEFAULT_DIFFICULTY, min_length=1, description="name of the difficulty estimator that ranks")
    keep: Annotated[tuple[Share, Share], AfterValidator(_checked_keep)] = Field(
        description="shares, counted from the hardest sub-image, between which sub-images are kept"
    )


class SourceChoice(WithOptions):
    """A data source and its options: keys beside ``source`` are the options of the source."""

    source: str = Field(min_length=1, description="name of the data source")


class BranchChoice(WithOptions):
    """One branch: other keys are options of the family and come before those under ``backbone``."""

    family: str | None = Field(
        None, min_length=1, description="backbone family of this branch; the one under 'backbone' if not set"
    )
    width: int | None = Field(None, ge=1, description="width of the network; needed where the family has several")
    from_: str | None = Field(
        None,
        alias="from",
        min_length=1,
        description="a model file or a published checkpoint whose network of this family the branch starts from",
    )


BRANCH_KEYS = tuple(field.alias or name for name, field in BranchChoice.model_fields.items())
"""Keys of a branch that are not options of its family."""


class DataOptions(Options):
    """Which images, and how sub-images are cut from them."""

    train: SourceChoice = Field(description="images to train on: a data source, or the path of a folder")
    validation: SourceChoice = Field(
        description="images to watch training on: a data source, or the path of a folder; none of train's"
    )
    test: SourceChoice = Field(
        description="images to measure on: a data source, or the path of a folder; none of train's"
    )
    sub_image: int = Field(32, ge=MIN_SIDE, description="side of a training sub-image in degraded pixels")
    step: int = Field(16, ge=1, description="distance of two sub-images in degraded pixels")
    clean_scales: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (1.0,), min_length=1, description="sizes of the clean image that sub-images are cut from"
    )
    augment: bool = Field(True, description="flip and rotate sub-images at random during training")
    shuffle_colours: bool = Field(False, description="put the colour channels of sub-images in any order in training")
    hardness: HardnessChoice | None = Field(
        None,
        description="train networks alone only on sub-images of some hardness: [0.05, 0.55] leaves out the hardest 5 % "
        "and all beyond the hardest 55 %; with the keys of 'difficulty' another estimator ranks them",
    )


class EvaluationOptions(Options):
    """What the run measures at its end."""

    protocols: Annotated[tuple[str, ...], AfterValidator(_checked_protocols)] = Field(
        DEFAULT_PROTOCOLS,
        description="'classsr' (patches, as in the paper), 'whole' (whole images) and 'classes' (sub-images by "
        "difficulty class)",
    )
    crop: int | None = Field(
        None,
        ge=MIN_SIDE,
        description="measure on the centre square of each test image, of this side in clean pixels; "
        "the whole image if not set",
    )


def _form_of_branches(value: object) -> str:
    return "count" if isinstance(value, int) else "list"


Branches = Annotated[
    Annotated[tuple[BranchChoice, ...], Tag("list")] | Annotated[int, Field(ge=2, le=MAX_BRANCHES), Tag("count")],
    Discriminator(_form_of_branches),
]


class Recipe(Options):
    """A run: what to restore, with which networks, trained on which images."""

    name: Annotated[str, AfterValidator(checked_name)] = Field(
        "recipe",
        description="name of the run and of its folder; the name of the file if not set",
        json_schema_extra={"pattern": NAME_PATTERN},
    )
    seed: int = Field(0, ge=0, lt=2**63, description="where all randomness of the run comes from")
    task: Choice = Field(description="how clean images become degraded ones: a task's name, with its options")
    backbone: Choice = Field(description="the branches' network design: a family's name, with its options")
    branches: Branches | None = Field(
        None,
        description="branches, cheapest first: a list of widths (with options of the family), or how many; "
        "the family's published widths if not set; a list of one is a single network, which 'stages.baseline' trains",
    )
    class_module: ClassModuleOptions = Field(
        default_factory=ClassModuleOptions, description="the network that sends patches to branches"
    )
    losses: LossOptions = Field(default_factory=LossOptions, description="weights of the losses")
    data: DataOptions = Field(description="which images, and how sub-images are cut from them")
    difficulty: DifficultyChoice = Field(
        default_factory=DifficultyChoice,
        description="what ranks sub-images into one class per branch: an estimator's name, with its options",
    )
    stages: Stages = Field(default_factory=Stages, description="the training schedule")
    routing: RoutingOptions = Field(
        default_factory=RoutingOptions, description="how the trained model routes; stored in the model"
    )
    evaluation: EvaluationOptions = Field(
        default_factory=EvaluationOptions, description="what the run measures at its end"
    )
