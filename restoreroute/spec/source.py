"""Where images to learn from and to measure on come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoreroute.spec.offering import Offering


@dataclass(frozen=True, kw_only=True)
class ImagePair:
    """A clean image whose degraded version comes with it, as a camera or a scanner made it.

    Attributes:
        clean: file of the clean image.
        degraded: file of its degraded version, whose sides are those of the clean one over the task's scale.
    """

    clean: Path
    degraded: Path


SourceImage = Path | ImagePair
"""The file of a clean image that the task degrades, or a pair that is used as it is."""


def files_of(image: SourceImage) -> tuple[Path, ...]:
    """The files of an image, the clean one first."""
    return (image.clean, image.degraded) if isinstance(image, ImagePair) else (image,)


@dataclass(frozen=True, kw_only=True)
class DataSource(Offering[Sequence[SourceImage]]):
    """A source that recipes can name.

    ``build(options)`` gives its images in a fixed order: the files of clean images, or pairs.  It raises
    :class:`restoreroute.errors.InputError` where there are none.

    Attributes:
        paired: whether all of its images are :class:`ImagePair`; otherwise none is.
    """

    kind = "data source"

    paired: bool = False

    def facts(self) -> dict[str, Any]:
        return {"has degraded images": self.paired}
