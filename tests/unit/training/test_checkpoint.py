"""Checkpoints: the newest one that can be read, whatever happened to the disk."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from restoreroute.errors import OutputError, RestorerouteError
from restoreroute.spec.events import Notice
from restoreroute.training.checkpoint import Checkpoint, CheckpointFile
from restoreroute.training.loop import train

Disk = Callable[[int], None]


def checkpoint(iteration: int, key: str = "key") -> Checkpoint:
    return Checkpoint(
        key=key,
        iteration=iteration,
        network={"weight": torch.full((50, 50), float(iteration))},
        optimiser={"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]},
        validations=[{"iteration": 1, "psnr": 20.5}],
    )


def load(file: CheckpointFile) -> tuple[Checkpoint | None, list[str]]:
    """What is loaded, and what is noted meanwhile."""
    events: list[Any] = []
    found = file.load(listen=events.append)
    assert all(isinstance(event, Notice) for event in events)
    return found, [event.text for event in events]


def names(file: CheckpointFile) -> set[str]:
    return {path.name for path in file.path.parent.iterdir()}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Sets the bytes that there is room for in each file from now on."""
    room: list[int] = []
    whole_open = Path.open

    class FullDisk(io.FileIO):
        written = 0

        def write(self, data: Any) -> int:
            self.written += len(data)
            if room and self.written > room[-1]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data) or 0

    def narrow_open(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "x" in mode:
            return io.BufferedWriter(FullDisk(path, mode.replace("b", "")))
        return whole_open(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", narrow_open)
    yield room.append
    room.clear()


def test_nothing_is_there_at_first(file: CheckpointFile) -> None:
    assert load(file) == (None, [])


def test_the_newest_is_loaded_as_it_was(file: CheckpointFile) -> None:
    for iteration in (1, 2, 3):
        file.save(checkpoint(iteration))

    found, notices = load(file)

    assert found is not None
    assert (found.iteration, notices) == (3, [])
    assert torch.equal(found.network["weight"], torch.full((50, 50), 3.0))
    assert found.optimiser == checkpoint(3).optimiser
    assert found.validations == [{"iteration": 1, "psnr": 20.5}]
    assert names(file) == {"stage.pt", "stage.pt.previous"}


def test_another_key_is_as_good_as_none(file: CheckpointFile) -> None:
    CheckpointFile(file.path, key="other").save(checkpoint(1, "other"))

    assert load(file) == (None, [])


@pytest.mark.parametrize("damage", [0, 1, 100, 5000], ids=lambda kept: f"{kept} bytes left")
def test_a_cut_file_falls_back_to_the_one_before(damage: int, file: CheckpointFile) -> None:
    file.save(checkpoint(1))
    file.save(checkpoint(2))
    file.path.write_bytes(file.path.read_bytes()[:damage])

    found, (notice,) = load(file)

    assert found is not None
    assert found.iteration == 1
    assert notice.startswith("stage.pt (")
    assert notice.endswith("is damaged; going on from stage.pt.previous")


def test_a_cut_file_of_a_changed_stage_does_not_go_on_from_the_other_key(file: CheckpointFile) -> None:
    CheckpointFile(file.path, key="other").save(checkpoint(1, "other"))
    file.save(checkpoint(2))
    file.path.write_bytes(b"")

    found, (notice,) = load(file)

    assert found is None
    assert notice.endswith("is damaged; this stage starts over")


def test_all_damaged_is_an_error_that_says_what_to_do(file: CheckpointFile) -> None:
    file.save(checkpoint(1))
    file.save(checkpoint(2))
    file.path.write_bytes(b"no checkpoint")
    file.previous.write_bytes(b"")

    with pytest.raises(RestorerouteError, match="no checkpoint can be read") as caught:
        load(file)

    assert "stage.pt (" in caught.value.what
    assert "stage.pt.previous (" in caught.value.what
    assert caught.value.where == str(file.path.parent)
    assert caught.value.hint is not None
    assert "delete it to repeat this stage" in caught.value.hint


def test_code_in_a_checkpoint_is_not_run(file: CheckpointFile, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "touched",)

    torch.save({"key": "key", "iteration": Evil()}, file.path)

    with pytest.raises(RestorerouteError, match="no checkpoint can be read"):
        load(file)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("stage", ["written", "newest moved"])
def test_killed_between_two_renames(stage: str, file: CheckpointFile) -> None:
    file.save(checkpoint(1))
    file.save(checkpoint(2))
    staged = file.path.with_suffix(".pt.next")
    file.path.replace(staged)
    file.save(checkpoint(3))
    if stage == "written":
        file.path.replace(staged)
        file.previous.replace(file.path)
        file.previous.write_bytes(b"")
    else:
        file.path.replace(staged)

    found, notices = load(file)
    assert found is not None
    assert (found.iteration, notices) == (3, [])

    file.save(checkpoint(4))
    found, notices = load(file)
    assert found is not None
    assert (found.iteration, notices) == (4, [])
    assert names(file) == {"stage.pt", "stage.pt.previous"}


@pytest.mark.parametrize("room", [0, 1000, 5000])
def test_a_full_disk_leaves_the_checkpoints_before(room: int, file: CheckpointFile, disk: Disk) -> None:
    file.save(checkpoint(1))
    file.save(checkpoint(2))
    before = names(file)
    disk(room)

    with pytest.raises(OutputError, match="No space left on device") as caught:
        file.save(checkpoint(3))

    assert caught.value.where is not None
    assert caught.value.where.startswith(str(file.path))
    assert caught.value.hint == "free some space and run again"
    assert names(file) == before
    found, notices = load(file)
    assert found is not None
    assert (found.iteration, notices) == (2, [])


def test_a_stage_goes_on_after_a_full_disk(file: CheckpointFile, disk: Disk, make_stage: Any, tmp_path: Path) -> None:
    whole = make_stage()
    train(whole, file=CheckpointFile(tmp_path / "whole.pt", key="key"), listen=lambda event: None)
    calls = iter(range(100))

    def validate() -> dict[str, float]:
        if next(calls) == 0:
            disk(1000)
        return {"psnr": 20.0}

    with pytest.raises(OutputError, match="No space left on device"):
        train(make_stage(validate=validate), file=file, listen=lambda event: None)
    disk(10**9)
    iterations: list[int] = []
    fetch = whole.parts[0].fetch
    again = make_stage(fetch=lambda iteration: iterations.append(iteration) or fetch(iteration))
    train(again, file=file, listen=lambda event: None)

    assert iterations == [4, 5, 6, 7, 8, 9]
    assert torch.equal(again.network.weight, whole.network.weight)
    assert not list(tmp_path.glob(".*"))
