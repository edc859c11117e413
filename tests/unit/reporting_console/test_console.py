"""What a run looks like on a terminal and in a log file."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from restoreroute.reporting.console import ConsoleReporter, duration
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

SINGLE = TrainingProgress(
    step="baseline",
    iteration=100,
    iterations=2400,
    losses={"total": 0.0312, "image": 0.0312},
    shares=(),
    confidence=None,
    learning_rate=1e-3,
    rate=12.34,
    seconds_left=186.4,
)
ROUTED = TrainingProgress(
    step="joint",
    iteration=50,
    iterations=300,
    losses={"total": 34.5, "image": 0.0301, "class": 0.4567, "average": 0.1234},
    shares=(0.3, 0.25, 0.45),
    confidence=0.789,
    learning_rate=5e-4,
    rate=0.52,
    seconds_left=7500.0,
)
EVENTS: list[Event] = [
    RunStarted(name="photos", folder="runs/photos", steps=("data", "baseline", "joint", "evaluate whole")),
    StepStarted(step="data"),
    WorkProgress(step="data", done=0, total=12),
    WorkProgress(step="data", done=12, total=12),
    StepFinished(step="data", seconds=3.2, detail="120 sub-images of 12 photos"),
    StepReused(step="baseline"),
    SINGLE,
    Validated(step="baseline", iteration=100, figures={"psnr": 24.567}),
    Notice(text="left out [all of them]: a[/b].png"),
    StepStarted(step="joint", detail="Class-Module and branches"),
    StepStarted(step="pool"),
    ROUTED,
    Validated(step="joint", iteration=50, figures={"psnr": 25.0, "confidence": 0.75, "share_0": 0.2, "share_1": 0.8}),
    StepFinished(step="joint", seconds=600.0),
    WorkProgress(step="nothing to do", done=0, total=0),
    RunFinished(name="photos", seconds=7300.0, files={"model": "runs/photos/model.safetensors"}),
]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines that come of events; no time has to pass between two of them."""
    monkeypatch.setattr("restoreroute.reporting.console.PLAIN_SECONDS", 0.0)

    def lines(events: list[Event], **console: Any) -> list[str]:
        file = io.StringIO()
        with ConsoleReporter(Console(file=file, width=60, **console)) as reporter:
            for event in events:
                reporter(event)
        return file.getvalue().splitlines()

    return lines


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (42, "42 s"),
        (59.4, "59 s"),
        (59.6, "1:00 min"),
        (185, "3:05 min"),
        (3599.4, "59:59 min"),
        (3599.6, "1:00 h"),
        (7800, "2:10 h"),
        (360_000, "100:00 h"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_lines_of_a_log(show: Callable[..., list[str]]) -> None:
    assert show(EVENTS) == [
        "photos: 4 steps, writing to runs/photos",
        "  [1/4] data",
        "        data 0/12",
        "        data 12/12",
        "        data done in 3 s, 120 sub-images of 12 photos",
        "  [2/4] baseline: done before",
        "        baseline 100/2400  image 0.0312  12.3 it/s  3:06 min left",
        "        baseline 100: validation 24.57 dB",
        "        note: left out [all of them]: a[/b].png",
        "  [3/4] joint (Class-Module and branches)",
        "        pool",
        "        joint 50/300  image 0.0301  class 0.4567  average 0.1234  shares 30/25/45 %  confidence 0.79  "
        "0.5 it/s  2:05 h left",
        "        joint 50: validation 25.00 dB, confidence 0.750, shares 20/80 %",
        "        joint done in 10:00 min",
        "        nothing to do 0/0",
        "photos done in 2:01 h",
        "        model: runs/photos/model.safetensors",
    ]


def test_progress_does_not_flood_a_log(show: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restoreroute.reporting.console.PLAIN_SECONDS", 1e9)

    lines = show([StepStarted(step="baseline"), *[SINGLE] * 100, StepFinished(step="baseline", seconds=1)])

    assert lines == ["        baseline", "        baseline done in 1 s"]


def test_a_log_has_no_control_characters(show: Callable[..., list[str]]) -> None:
    assert all(line.isprintable() for line in show(EVENTS))


@pytest.mark.parametrize("width", [20, 200])
def test_a_terminal_shows_every_event(width: int, show: Callable[..., list[str]]) -> None:
    file = io.StringIO()
    with ConsoleReporter(Console(file=file, force_terminal=True, width=width)) as reporter:
        for event in EVENTS:
            reporter(event)
            reporter.progress.refresh()

    shown = file.getvalue()
    assert "photos: 4 steps" in shown
    assert "validation 24.57 dB" in shown
    if width == 200:
        assert "image 0.0301  class 0.4567" in shown
        assert "50/300" in shown


def test_any_order_of_events_is_shown(show: Callable[..., list[str]]) -> None:
    assert len(show(EVENTS[::-1])) == len(show(EVENTS))
    file = io.StringIO()
    with ConsoleReporter(Console(file=file, force_terminal=True)) as reporter:
        for event in [*EVENTS[::-1], *EVENTS]:
            reporter(event)


def test_the_display_stops_with_an_error() -> None:
    reporter = ConsoleReporter(Console(file=io.StringIO(), force_terminal=True))

    with contextlib.suppress(RuntimeError), reporter:
        reporter(EVENTS[0])
        raise RuntimeError("in the middle")

    assert not reporter.progress.live.is_started
