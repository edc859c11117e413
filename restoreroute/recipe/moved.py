"""Keys that recipes of earlier versions hold elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restoreroute.recipe.findings import Findings

MOVED = {("evaluation", key): ("routing", key) for key in ("patch", "stride", "speed")}
"""Where a key of a section was, and where it is now."""


def without_moved_keys(data: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """A recipe without the keys that have moved, each of which is an error that names its new place."""
    current = dict(data)
    for (section, key), now in MOVED.items():
        values = current.get(section)
        if isinstance(values, Mapping) and key in values:
            findings.add(f"is now {'.'.join(now)}", (section, key), at_key=True)
            current[section] = {name: value for name, value in values.items() if name != key}
    return current
