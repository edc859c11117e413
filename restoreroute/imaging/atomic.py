"""Write a file all or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from restoreroute.errors import OutputError

_HINTS = {
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some space in your quota and run again",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.EROFS: "choose a place that you may write to",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "a part of the path is a file: choose another folder",
    errno.EISDIR: "there is a folder of that name: choose another name",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it to ``path`` (:func:`replacing`).

    Args:
        path: the file to write; its folder must exist.
        write: is given the open temporary file (binary, seekable, empty); what it returns is
            ignored.

    Raises:
        OutputError: an OSError from writing, with the path and the system's reason.
        Exception: whatever else ``write`` raises, unchanged.
    """
    with replacing(path) as temporary, temporary.open("xb") as stream:
        write(stream)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path``, to be made in the block and renamed to ``path`` at its end.

    Whoever opens ``path`` sees the whole old file or the whole new one, after a crash or a power
    cut too: the contents are fsynced before the rename. If anything fails the temporary file is
    removed and the old file is as it was. The temporary name begins with a dot, does not grow
    with the name of ``path``, and has its suffix.

    Args:
        path: the file to write; its folder must exist.

    Raises:
        OutputError: for an OSError in the block, with the path and the system's reason.
    """
    temporary = path.parent / f".restoreroute-{secrets.token_hex(8)}.tmp{path.suffix}"
    try:
        try:
            yield temporary
            _sync_file(temporary)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise OutputError(
            f"can't be written: {error.strerror or error}",
            where=str(path),
            hint=_HINTS.get(error.errno or 0),
        ) from error
    _sync_folder(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that killed processes left in ``folder``, where nobody else may be writing now."""
    for temporary in folder.glob(".restoreroute-*.tmp*"):
        with contextlib.suppress(OSError):
            temporary.unlink()


def _sync_file(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` last, where the system can.

    Not every file system can fsync a folder (and Windows can't open one). The new file is whole and
    in place by now, so that this is no reason to report a failure.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
