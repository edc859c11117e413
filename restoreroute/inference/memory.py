"""How much memory there is, how much was taken, and how it is reused, where the system tells and allows."""

from __future__ import annotations

import ctypes
from pathlib import Path

KIBIBYTE = 1024
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST_INT = 2**31 - 1
SHORTAGES = ("allocate memory", "out of memory", "bad_alloc")
"""What torch's RuntimeErrors say when memory is short."""


def reuse_memory() -> None:
    """Let this process keep the memory that it frees, where the C library is glibc; elsewhere nothing happens.

    By default large tensors get fresh pages from the system each time, and to fill these with zeros takes a third of
    the time of a small network.  What stays with the process does not come back to the system before it ends.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, LARGEST_INT)


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
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
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
