"""How much memory there is, and how much was taken, where the system tells."""

from __future__ import annotations

from pathlib import Path

KIBIBYTE = 1024


def free_memory() -> int | None:
    """Bytes that can be taken without swapping, on Linux; None elsewhere."""
    return _field("/proc/meminfo", "MemAvailable")


def peak_memory() -> int | None:
    """Highest resident memory of this process in bytes since :func:`forget_peak`, on Linux; None elsewhere."""
    return _field("/proc/self/status", "VmHWM")


def forget_peak() -> None:
    """Let the highest resident memory start anew from what it is now."""
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
