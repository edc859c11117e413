"""Tasks that need no plugin, and image files of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import Field

from restoreroute.imaging.io import write_image
from restoreroute.spec.options import Options
from restoreroute.spec.plan import TaskPlan
from restoreroute.spec.task import Task


@dataclass(frozen=True, kw_only=True)
class FakeTask:
    """Takes every ``scale``-th pixel, inverted; with ``random`` it adds noise instead.  Counts its calls."""

    scale: int = 2
    channels: int = 3
    random: bool = False
    degraded_bits: int | None = 8
    crop_border: int = 0
    calls: list[tuple[int, ...]] = field(default_factory=list)

    def degrade(self, clean: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        self.calls.append(clean.shape)
        if self.random:
            return clean + generator.normal(0, 0.1, clean.shape).astype(np.float32)
        taken = 1 - clean[:: self.scale, :: self.scale]
        return (np.round(taken * 255) / 255 if self.degraded_bits == 8 else taken / 3).astype(np.float32)

    def interpolate(self, degraded: NDArray[np.float32]) -> NDArray[np.float32]:
        return degraded.repeat(self.scale, axis=0).repeat(self.scale, axis=1)


class FakeOptions(Options):
    level: int = Field(1, description="something that a cache depends on")


MakePlan = Callable[..., TaskPlan]
WriteImage = Callable[..., Path]


@pytest.fixture
def plan() -> MakePlan:
    """Makes a fake task; keywords are those of FakeTask."""

    def make(*, name: str = "fake", level: int = 1, **facts: Any) -> TaskPlan:
        bound = FakeTask(**facts)
        offer = Task(name=name, summary="for tests", build=lambda options: bound, options=FakeOptions)
        return TaskPlan(offer=offer, options=FakeOptions(level=level), bound=bound)

    return make


@pytest.fixture
def image(tmp_path: Path) -> WriteImage:
    """Writes a random image file."""

    def write(name: str, *shape: int, dtype: type[np.unsignedinteger[Any]] = np.uint8, seed: int = 0) -> Path:
        path = tmp_path / name
        pixels = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
        write_image(path, pixels)
        return path

    return write
