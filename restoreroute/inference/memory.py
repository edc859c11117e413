"""How much memory there is, how much was taken, and how it is reused, where the system tells and allows."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

KIBIBYTE = 1024
MEBIBYTE = 2**20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
SHORTAGES = ("allocate memory", "out of memory", "bad_alloc")
"""What torch's RuntimeErrors say when memory is short."""


def reuse_memory() -> None:
    """Let this process keep the memory that it frees, where the C library is glibc; elsewhere nothing happens.

    By default large tensors get fresh pages from the system each time, and to fill these with zeros takes a third of
    the time of a small network.  What stays with the process does not come back to the system before it ends.
    """
    _set_allocator(mappings=0, trim=2**31 - 1)


@contextmanager
def fresh_memory() -> Iterator[None]:
    """Memory as glibc gives it when nobody asks for :func:`reuse_memory`, which holds again at the end.

    Its thresholds adapt: these are the ones that they come to rest at once large tensors have been freed.
    """
    _set_allocator(mappings=65536, trim=64 * MEBIBYTE)
    _return_memory()
    try:
        yield
    finally:
        reuse_memory()


def _set_allocator(*, mappings: int, trim: int) -> None:
    """How many blocks may get pages of their own, and how many free bytes are too many."""
    if (mallopt := _from_glibc("mallopt")) is not None:
        mallopt(M_MMAP_THRESHOLD, 32 * MEBIBYTE)
        mallopt(M_MMAP_MAX, mappings)
        mallopt(M_TRIM_THRESHOLD, trim)


def _return_memory() -> None:
    if (trim := _from_glibc("malloc_trim")) is not None:
        trim(0)


def _from_glibc(name: str) -> Callable[..., int] | None:
    """A function that only glibc has."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def is_shortage(error: Exception) -> bool:
    """Whether an error says that memory could not be allocated, on the CPU or on a device."""
    said = str(error)
    return isinstance(error, MemoryError) or any(word in said for word in SHORTAGES)


def free_memory() -> int | None:
    """Bytes that can be taken without swapping, on Linux; None elsewhere."""
    return _field("/proc/meminfo", "MemAvailable")


def peak_memory() -> int | None:
    """Highest resident memory of this process in bytes since :func:`forget_peak`, on Linux; None elsewhere."""
    return _field("/proc/self/status", "VmHWM")


def forget_peak() -> None:
    """Let the highest resident memory start anew from what is in use now."""
    _return_memory()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _field(path: str, name: str) -> int | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * KIBIBYTE if found else None
