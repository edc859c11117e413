"""One loop for every training stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from restoreroute.data.prefetch import prefetch
from restoreroute.errors import TrainingError
from restoreroute.spec.events import Listener, TrainingProgress, Validated
from restoreroute.spec.stages import StageOptions
from restoreroute.training.averaging import WeightAverage
from restoreroute.training.checkpoint import Checkpoint, CheckpointFile
from restoreroute.training.optimisers import Optimiser, go_on, make_optimiser, set_rate
from restoreroute.training.updates import RecordedUpdate, StepLosses, Update

BatchT = TypeVar("BatchT")

REPORT_SECONDS = 1.0

LOWER = "lower its learning rate and run again; finished stages are kept"


@dataclass(frozen=True, kw_only=True)
class Part(Generic[BatchT]):
    """Some iterations of a stage under one schedule, on one kind of batch, for one loss.

    Attributes:
        options: iterations, rates and warm-up of this part.
        fetch: the batch of each iteration of the part, counted from 0.
        losses: losses of a batch, with gradient.
        ahead: batches that are made in another thread while one is used; 0 where they are ready at once.
    """

    options: StageOptions
    fetch: Callable[[int], BatchT]
    losses: Callable[[BatchT], StepLosses]
    ahead: int = 2


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[BatchT]):
    """What is trained, on what, for which losses.

    Attributes:
        name: shown in reports and errors.
        options: what holds for all parts: optimiser, averaging, how often to validate and to save.
        network: what is trained and saved.
        parts: one after the other.
        validate: figures on validation images.
        recorded: whether updates are recorded once and replayed, as :class:`RecordedUpdate` does.
    """

    name: str
    options: StageOptions
    network: nn.Module
    parts: Sequence[Part[BatchT]]
    validate: Callable[[], Mapping[str, float]]
    recorded: bool = False

    @property
    def iterations(self) -> int:
        """Of all parts."""
        return sum(part.options.iterations for part in self.parts)


def learning_rate(options: StageOptions, iteration: int) -> float:
    """Linear warm-up, then a cosine from ``lr`` to ``lr_final``; ``iteration`` counts from 0."""
    if iteration < options.warmup:
        return options.lr * (iteration + 1) / options.warmup
    progress = (iteration - options.warmup) / max(options.iterations - options.warmup, 1)
    return options.lr_final + (options.lr - options.lr_final) * (1 + math.cos(math.pi * progress)) / 2


def train(stage: Stage[BatchT], *, file: CheckpointFile, listen: Listener) -> list[dict[str, float]]:
    """Train a stage to its end, going on from its last checkpoint.

    Parameters that do not require a gradient stay as they are.  Where an average of the weights is kept, the network
    has the averaged ones at the end.

    Returns:
        The figures of every validation, each with its ``"iteration"``.

    Raises:
        TrainingError: if a loss is no longer finite; the last good checkpoint stays on disk.
        OutputError: if a checkpoint can't be written.
    """
    options, network = stage.options, stage.network
    optimiser = make_optimiser(network, options, recorded=stage.recorded)
    average = WeightAverage(network, decay=options.ema) if options.ema else None
    validations: list[dict[str, float]] = []
    start = 0
    if (checkpoint := file.load(listen=listen)) is not None:
        network.load_state_dict(checkpoint.network)
        go_on(optimiser, checkpoint.optimiser)
        if average is not None and checkpoint.average is not None:
            average.load_state_dict(checkpoint.average)
        start, validations = checkpoint.iteration, list(checkpoint.validations)

    def save(iteration: int) -> None:
        _check_weights(stage, iteration)
        file.save(
            Checkpoint(
                key=file.key,
                iteration=iteration,
                network=network.state_dict(),
                optimiser=optimiser.state_dict(),
                average=None if average is None else average.state_dict(),
                validations=validations,
            )
        )

    meter = _Meter(stage.name, stage.iterations, start)
    part_now, update = None, None
    for done, part, rate, batch in _batches(stage, start):
        if update is None or part is not part_now:
            part_now, update = part, _update(stage, part, optimiser)
        set_rate(optimiser, rate)
        losses = update(batch)
        if average is not None:
            average.update(network)

        meter.add(losses)
        last = done == stage.iterations
        due = last or done % options.checkpoint_every == 0
        if due or meter.is_due():
            listen(meter.report(done, rate))
        if last or done % options.validate_every == 0:
            with nullcontext() if average is None else average.taken_by(network):
                figures = _validate(stage)
            validations.append({"iteration": done, **figures})
            listen(Validated(step=stage.name, iteration=done, figures=figures))
        if due:
            save(done)
    if average is not None and stage.iterations:
        average.give_to(network)
    return validations


def _update(stage: Stage[BatchT], part: Part[BatchT], optimiser: Optimiser) -> Callable[[Any], StepLosses]:
    trained = [parameter for parameter in stage.network.parameters() if parameter.requires_grad]
    update: Update[Any] = Update(part.losses, optimiser, trained, stage.options.clip)
    return RecordedUpdate(update) if stage.recorded else update


def _batches(stage: Stage[BatchT], start: int) -> Iterator[tuple[int, Part[BatchT], float, BatchT]]:
    """What each iteration needs from ``start`` on: its number counted from 1, its part, learning rate and batch."""
    before = 0
    for part in stage.parts:
        iterations = part.options.iterations
        for within, batch in prefetch(part.fetch, max(start - before, 0), iterations, ahead=part.ahead):
            yield before + within + 1, part, learning_rate(part.options, within), batch
        before += iterations


def _check_weights(stage: Stage[BatchT], done: int) -> None:
    """A finite loss may still have led to weights that are not: these must not replace a good checkpoint."""
    for name, parameter in stage.network.named_parameters():
        if not parameter.isfinite().all():
            raise TrainingError(f"{name} is not finite after iteration {done}", where=f"stage {stage.name}", hint=LOWER)


def _validate(stage: Stage[BatchT]) -> dict[str, float]:
    stage.network.eval()
    with torch.inference_mode():
        figures = dict(stage.validate())
    stage.network.train()
    return figures


class _Meter:
    """Sums of losses since the last report, and the check that they are finite."""

    def __init__(self, stage: str, iterations: int, start: int) -> None:
        self.stage = stage
        self.iterations = iterations
        self.start = self.reported = start
        self.began = self.last_report = time.monotonic()
        self.sums: dict[str, Tensor] = {}
        self.use: Tensor | None = None
        self.confidence: Tensor | None = None
        self.seen = 0

    def add(self, losses: StepLosses) -> None:
        for name, value in losses.terms.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + value.detach()
        if losses.probability is not None:
            probability = losses.probability.detach()
            largest, chosen = probability.max(dim=1)
            use = torch.bincount(chosen, minlength=probability.shape[1])
            self.use = use if self.use is None else self.use + use
            confidence = largest.mean()
            self.confidence = confidence if self.confidence is None else self.confidence + confidence
        self.seen += 1

    def is_due(self) -> bool:
        return time.monotonic() - self.last_report >= REPORT_SECONDS

    def report(self, done: int, rate: float) -> TrainingProgress:
        """Means since the last report; starts anew.

        Raises:
            TrainingError: if a loss since the last report was not finite.
        """
        means = {name: value.item() / self.seen for name, value in self.sums.items()}
        for name, mean in means.items():
            if not math.isfinite(mean):
                raise TrainingError(
                    f"the {name} loss became {mean} between iterations {self.reported} and {done}",
                    where=f"stage {self.stage}",
                    hint=LOWER,
                )
        now = time.monotonic()
        speed = (done - self.start) / max(now - self.began, 1e-9)
        progress = TrainingProgress(
            step=self.stage,
            iteration=done,
            iterations=self.iterations,
            losses=means,
            shares=() if self.use is None else tuple((self.use / self.use.sum()).tolist()),
            confidence=None if self.confidence is None else self.confidence.item() / self.seen,
            learning_rate=rate,
            rate=speed,
            seconds_left=(self.iterations - done) / speed,
        )
        self.reported, self.last_report = done, now
        self.sums, self.use, self.confidence, self.seen = {}, None, None, 0
        return progress
