"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from restoreroute.errors import OutputError
from restoreroute.imaging.atomic import write_atomically


def write_half_then_fail(stream: BinaryIO) -> None:
    stream.write(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    write_atomically(path, lambda stream: stream.write(b"first"))
    write_atomically(path, lambda stream: stream.write(b"second"))
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    with pytest.raises(OutputError) as caught:
        write_atomically(path, write_half_then_fail)
    assert str(path) in str(caught.value)
    assert "No space left on device" in str(caught.value)
    assert "free some space" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_atomically(tmp_path / "model.bin", write_half_then_fail)
    assert list(tmp_path.iterdir()) == []


def test_failing_fsync_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="Input/output error"):
        write_atomically(path, lambda stream: stream.write(b"new"))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_can_not_be_synced_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", sync_files_only)
    path = tmp_path / "model.bin"
    write_atomically(path, lambda stream: stream.write(b"new"))
    assert path.read_bytes() == b"new"


def test_contents_are_synced_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.bin"
    existed = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: existed.append(path.exists()))
    write_atomically(path, lambda stream: stream.write(b"new"))
    assert existed == [False, True]  # the file, then its folder


@pytest.mark.parametrize("error", [ValueError("no tensor"), KeyboardInterrupt()])
def test_other_errors_pass_and_clean_up(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")

    def fail(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise error

    with pytest.raises(type(error)):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="create the folder first"):
        write_atomically(tmp_path / "absent" / "model.bin", lambda stream: None)


def test_folder_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.mkdir()
    with pytest.raises(OutputError, match="there is a folder of that name"):
        write_atomically(path, lambda stream: None)
    assert list(tmp_path.iterdir()) == [path]


def test_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"")
    with pytest.raises(OutputError, match="a part of the path is a file"):
        write_atomically(tmp_path / "results" / "model.bin", lambda stream: None)


def test_longest_possible_name(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomically(path, lambda stream: stream.write(b"new"))
    assert path.read_bytes() == b"new"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    path, usual = tmp_path / "model.bin", tmp_path / "usual"
    write_atomically(path, lambda stream: None)
    usual.write_bytes(b"")
    assert path.stat().st_mode == usual.stat().st_mode
