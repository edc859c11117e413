"""What happens during a run, as facts for reporters.  The core raises events and knows no logger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """A run begins or goes on.

    Attributes:
        name: name of the run.
        folder: where everything is written.
        steps: names of all steps in order.
    """

    name: str
    folder: str
    steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StepStarted:
    """A step (a training stage or the work between two) begins."""

    step: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class StepReused:
    """A step is done already, by an earlier run with the same settings."""

    step: str


@dataclass(frozen=True, kw_only=True)
class StepFinished:
    """A step is done."""

    step: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkProgress:
    """Progress of a step without losses: files read, sub-images scored, photos evaluated."""

    step: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """Means since the last report of a training stage.

    Attributes:
        iteration: updates done in this stage.
        iterations: updates of the whole stage.
        losses: unweighted terms by name; ``"total"`` is the weighted sum.
        shares: share of sub-images per most probable branch, empty before there is a Class-Module.
        confidence: mean largest probability, or None before there is a Class-Module.
        rate: updates per second.
        seconds_left: estimate for the rest of the stage.
    """

    step: str
    iteration: int
    iterations: int
    losses: Mapping[str, float]
    shares: tuple[float, ...]
    confidence: float | None
    learning_rate: float
    rate: float
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Validated:
    """Figures on the validation images, e.g. ``{"psnr": 29.1}`` (dB, RGB)."""

    step: str
    iteration: int
    figures: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something the user should know that is no error."""

    text: str


@dataclass(frozen=True, kw_only=True)
class RunFinished:
    """The run is done.

    Attributes:
        files: what was written, by purpose.
    """

    name: str
    seconds: float
    files: Mapping[str, str] = field(default_factory=dict)


Event = (
    RunStarted
    | StepStarted
    | StepReused
    | StepFinished
    | WorkProgress
    | TrainingProgress
    | Validated
    | Notice
    | RunFinished
)
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """A listener for callers that want no reports."""
