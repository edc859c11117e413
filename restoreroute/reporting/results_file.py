"""results.json: every figure of a run or an evaluation, with what made it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from restoreroute.imaging.atomic import write_atomically
from restoreroute.spec.results import RunResults

FORMAT = 2
"""Raised too when figures of the same key mean something else: files of another format are measured anew."""


def save_results(path: Path, results: RunResults, *, key: str, provenance: Mapping[str, Any]) -> None:
    """Write results atomically; ``key`` tells later whether they still hold.

    Raises:
        OutputError: if they can't be written.
    """
    content = {"format": FORMAT, "key": key, "provenance": provenance, **asdict(results)}
    text = json.dumps(_finite(content), indent=1)
    write_atomically(path, lambda file: file.write(text.encode()))


@dataclass(frozen=True, kw_only=True)
class SavedResults:
    """Results as they were written.

    Attributes:
        key: what they depend on.
        provenance: what made them: versions, machine, seconds of each step.
    """

    results: RunResults
    key: str
    provenance: Mapping[str, Any]


def read_results(path: Path) -> SavedResults | None:
    """The results of a file; None where it is missing, damaged, or of another format."""
    try:
        content = json.loads(path.read_text(), parse_float=_infinite)
        if content["format"] != FORMAT:
            return None
        known = {name: content[name] for name in RunResults.__dataclass_fields__}
        results = TypeAdapter(RunResults).validate_python(known)
        return SavedResults(results=results, key=content["key"], provenance=dict(content["provenance"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def load_results(path: Path, *, key: str) -> RunResults | None:
    """Results that were written under the same key, or None."""
    found = read_results(path)
    return found.results if found is not None and found.key == key else None


def _infinite(text: str) -> float:
    value = float(text)
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def _finite(value: Any) -> Any:
    """JSON has no infinity: the PSNR of equal images is written as the largest float."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(sys.float_info.max, value)
    return value
