"""Curves as tensorboard events."""

from __future__ import annotations

import contextlib
import struct
import warnings
from pathlib import Path

import pytest

from restoreroute.reporting.tensorboard import TensorboardReporter
from restoreroute.spec.events import Event, Notice, TrainingProgress, Validated, WorkProgress


def progress(iteration: int, step: str = "joint") -> TrainingProgress:
    return TrainingProgress(
        step=step,
        iteration=iteration,
        iterations=300,
        losses={"total": 34.5, "image": 0.03},
        shares=(0.25, 0.75),
        confidence=0.5,
        learning_rate=5e-4,
        rate=1.0,
        seconds_left=1.0,
    )


def record(folder: Path, *events: Event) -> None:
    with TensorboardReporter(folder) as reporter:
        for event in events:
            reporter(event)


def points(file: Path) -> dict[tuple[str, int], float]:
    """Value by tag and step: records are length (8 bytes), its checksum (4), an Event, its checksum (4)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboardX.proto.event_pb2 import Event as Record

    data, found, place = file.read_bytes(), {}, 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        event = Record.FromString(data[place + 12 : place + 12 + length])
        found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
        place += 16 + length
    return found


def test_every_figure_is_a_point(tmp_path: Path) -> None:
    record(tmp_path, progress(10), Validated(step="joint", iteration=20, figures={"psnr": 25.5, "share_0": 0.25}))

    (file,) = (tmp_path / "joint").iterdir()
    assert points(file) == pytest.approx(
        {
            ("loss/total", 10): 34.5,
            ("loss/image", 10): 0.03,
            ("share/branch_0", 10): 0.25,
            ("share/branch_1", 10): 0.75,
            ("confidence", 10): 0.5,
            ("learning_rate", 10): 5e-4,
            ("validation/psnr", 20): 25.5,
            ("validation/share_0", 20): 0.25,
        }
    )


def test_stages_have_folders_of_their_own(tmp_path: Path) -> None:
    record(tmp_path, progress(1), progress(1, "baseline"), progress(2))

    assert {path.name for path in tmp_path.iterdir()} == {"joint", "baseline"}


def test_other_events_write_nothing(tmp_path: Path) -> None:
    record(tmp_path / "events", Notice(text="hello"), WorkProgress(step="data", done=1, total=2))

    assert not (tmp_path / "events").exists()


def test_points_are_on_disk_after_an_error(tmp_path: Path) -> None:
    with contextlib.suppress(RuntimeError), TensorboardReporter(tmp_path) as reporter:
        reporter(progress(1))
        raise RuntimeError("stopped")

    (file,) = (tmp_path / "joint").iterdir()
    assert ("loss/total", 1) in points(file)
