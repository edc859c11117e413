"""results.json: every figure of a run or an evaluation, with what made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from restoreroute.imaging.atomic import write_atomically
from restoreroute.reporting.plain_json import from_json, to_json
from restoreroute.spec.results import RunResults

FORMAT = 2
"""Raised too when figures of the same key mean something else: files of another format are measured anew."""


def save_results(path: Path, results: RunResults, *, key: str, provenance: Mapping[str, Any]) -> None:
    """Write results atomically; ``key`` tells later whether they still hold.

    Raises:
        OutputError: if they can't be written.
    """
    content = {"format": FORMAT, "key": key, "provenance": provenance, **asdict(results)}
    write_atomically(path, lambda file: file.write(to_json(content)))


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
        content = {"preference": None, **from_json(path.read_text())}  # files of earlier versions have none
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
