"""Trained models that come with a plugin package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoreroute.spec.offering import Offering

MEBIBYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class TrainedModel(Offering[Path]):
    """A trained model that users call by its name.  ``build(options)`` gives the path of its model file.

    Attributes:
        card: a Markdown file: data, recipe, machine and hours, figures on named sets, limits, licence.
        baseline: model file of the full network alone, trained on the same data, which figures compare with.
    """

    kind = "model"

    card: Path
    baseline: Path | None = None

    @property
    def file(self) -> Path:
        """The model file."""
        return self.build(self.options())

    def facts(self) -> dict[str, Any]:
        size = self.file.stat().st_size / MEBIBYTE if self.file.is_file() else 0.0
        return {
            "file": self.file,
            "size": f"{size:.1f} MiB",
            "baseline": self.baseline is not None,
            "card": self.card,
        }
