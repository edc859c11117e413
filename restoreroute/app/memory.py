"""How much memory there is."""

from __future__ import annotations

from pathlib import Path

KIBIBYTE = 1024


def free_memory() -> int | None:
    """Bytes that can be taken without swapping, on Linux; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * KIBIBYTE if found else None
