"""A run on the terminal: live where there is one, plain lines where the output goes to a file."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from restoreroute.spec.events import (
    Event,
    Notice,
    RunFinished,
    RunStarted,
    StepFinished,
    StepReused,
    StepStarted,
    TrainingProgress,
    Validated,
    WorkProgress,
)

PLAIN_SECONDS = 10.0
"""Distance of two progress lines where there is no terminal."""


def duration(seconds: float) -> str:
    """Seconds in words a person reads: ``42 s``, ``3:05 min``, ``2:10 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def training_facts(event: TrainingProgress) -> str:
    """Loss terms (unweighted), class shares and speed of one report, on a line."""
    terms = [f"{name} {value:.4f}" for name, value in event.losses.items() if name != "total"]
    if event.shares:
        terms.append("shares " + "/".join(f"{100 * share:.0f}" for share in event.shares) + " %")
    if event.confidence is not None:
        terms.append(f"confidence {event.confidence:.2f}")
    terms.append(f"{event.rate:.1f} it/s")
    terms.append(f"{duration(event.seconds_left)} left")
    return "  ".join(terms)


def validation_facts(event: Validated) -> str:
    """Figures on the validation images, on a line."""
    figures = dict(event.figures)
    psnr = figures.pop("psnr", None)
    shares = [figures.pop(name) for name in sorted(figures) if name.startswith("share_")]
    words = [] if psnr is None else [f"{psnr:.2f} dB"]
    words += [f"{name} {value:.3f}" for name, value in figures.items()]
    if shares:
        words.append("shares " + "/".join(f"{100 * share:.0f}" for share in shares) + " %")
    return ", ".join(words)


class ConsoleReporter:
    """Shows events; use it as a context manager around the run."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task: TaskID | None = None
        self.task_step = ""
        self.steps: tuple[str, ...] = ()
        self.last_line = 0.0

    def __enter__(self) -> Self:
        self.last_line = time.monotonic()
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.steps = event.steps
                self._say(f"{event.name}: {len(event.steps)} steps, writing to {event.folder}")
            case StepStarted():
                self.last_line = time.monotonic()
                self._say(f"{self._place(event.step)} {event.step}" + (f" ({event.detail})" if event.detail else ""))
            case StepReused():
                self._say(f"{self._place(event.step)} {event.step}: done before")
            case StepFinished():
                self._clear()
                remark = f", {event.detail}" if event.detail else ""
                self._say(f"        {event.step} done in {duration(event.seconds)}{remark}")
            case TrainingProgress():
                self._advance(event.step, event.iteration, event.iterations, training_facts(event))
            case WorkProgress():
                self._advance(event.step, event.done, event.total, "")
            case Validated():
                self._say(f"        {event.step} {event.iteration}: validation {validation_facts(event)}")
            case Notice():
                self._say(f"        note: {event.text}")
            case RunFinished():
                self._clear()
                self._say(f"{event.name} done in {duration(event.seconds)}")
                for purpose, path in event.files.items():
                    self._say(f"        {purpose}: {path}")

    def _place(self, step: str) -> str:
        """``[3/10]``, or spaces for a step within a step."""
        if step not in self.steps:
            return " " * 7
        return f"[{self.steps.index(step) + 1}/{len(self.steps)}]".rjust(7)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _advance(self, step: str, done: int, total: int, facts: str) -> None:
        if self.console.is_terminal:
            if self.task is None or self.task_step != step:
                self._clear()
                self.task, self.task_step = self.progress.add_task(step, total=total, facts=facts), step
            self.progress.update(self.task, completed=done, facts=facts)
        elif time.monotonic() - self.last_line >= PLAIN_SECONDS:
            self.last_line = time.monotonic()
            self._say(f"        {step} {done}/{total}  {facts}".rstrip())

    def _clear(self) -> None:
        if self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None
