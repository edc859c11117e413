"""Figures of one kind, with the machine that they were measured on, as a JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from restoreroute.errors import InputError
from restoreroute.imaging.atomic import write_atomically
from restoreroute.reporting.plain_json import from_json, to_json
from restoreroute.spec.results import SweepResult
from restoreroute.spec.timings import Bench

FigureT = TypeVar("FigureT", Bench, SweepResult)


@dataclass(frozen=True, kw_only=True)
class FiguresFile(Generic[FigureT]):
    """How one kind of figures is kept.

    Attributes:
        figures: reads them.
        name: what they are called in the file.
        format: raised when figures of the same name mean something else.
    """

    figures: TypeAdapter[list[FigureT]]
    name: str
    format: int

    def save(self, path: Path, measured: Sequence[FigureT], *, machine: Mapping[str, Any]) -> None:
        """Write figures atomically, with the machine and versions that they are of.

        Raises:
            OutputError: if they can't be written.
        """
        content = {"format": self.format, "machine": machine, self.name: [asdict(one) for one in measured]}
        write_atomically(path, lambda file: file.write(to_json(content)))

    def read(self, path: Path) -> tuple[list[FigureT], Mapping[str, Any]]:
        """Figures as they were written, and the machine.

        Raises:
            InputError: if there are none, or none that this version can read.
        """
        try:
            content = from_json(path.read_text())
            if content["format"] != self.format:
                raise ValueError(f"format {content['format']}")
            return self.figures.validate_python(content[self.name]), dict(content["machine"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise InputError(f"can't be read as {self.name}: {error}", where=str(path), hint="measure again") from None


BENCHES = FiguresFile(figures=TypeAdapter(list[Bench]), name="benches", format=2)
SWEEPS = FiguresFile(figures=TypeAdapter(list[SweepResult]), name="sweeps", format=1)
