"""Timings of ways to restore, as a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from restoreroute.errors import InputError
from restoreroute.imaging.atomic import write_atomically
from restoreroute.spec.timings import Bench

FORMAT = 2


def save_benches(path: Path, benches: Sequence[Bench], *, machine: Mapping[str, Any]) -> None:
    """Write timings atomically, with the machine and versions that they are of.

    Raises:
        OutputError: if they can't be written.
    """
    content = {"format": FORMAT, "machine": machine, "benches": [asdict(bench) for bench in benches]}
    write_atomically(path, lambda file: file.write(json.dumps(content, indent=1).encode()))


def read_benches(path: Path) -> tuple[list[Bench], Mapping[str, Any]]:
    """Timings as they were written, and the machine.

    Raises:
        InputError: if there are none, or none that this version can read.
    """
    try:
        content = json.loads(path.read_text())
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        return TypeAdapter(list[Bench]).validate_python(content["benches"]), dict(content["machine"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise InputError(f"can't be read as timings: {error}", where=str(path), hint="time again") from None
