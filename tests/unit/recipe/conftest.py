"""A small catalogue, and recipes written to a file of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import Field

from restoreroute.plugin.catalogue import Catalogue, Offered
from restoreroute.recipe.resolve import check_recipe, load_recipe
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.options import NoOptions, Options
from restoreroute.spec.plan import Provider, RunPlan
from restoreroute.spec.source import DataSource
from restoreroute.spec.task import Task

Overrides = Sequence[str] | Mapping[str, Any]
Problems = Callable[..., list[str]]
Resolved = Callable[..., RunPlan]

SOUND = """\
task: {name: zoom, scale: 4}
backbone: tiny
data:
  train: photos
  validation: {source: photos, split: test}
  test: ../elsewhere
"""


class ZoomOptions(Options):
    scale: int = Field(2, ge=1, description="side of the clean image over that of the degraded one")


class Kernel(Options):
    radius: float = Field(1.0, gt=0, description="radius in pixels")


class TinyOptions(Options):
    blocks: int = Field(2, ge=1, description="number of blocks")
    mode: Literal["plain", "residual"] = Field("plain", description="kind of block")
    kernel: Kernel = Field(default_factory=Kernel, description="first kernel")


class NetworkOptions(Options):
    model: str | None = Field(None, description="a model file")


class PhotosOptions(Options):
    split: Literal["train", "test"] = Field("train", description="part of the photos")


class FolderOptions(Options):
    path: str = Field(description="folder with images")


@dataclass(frozen=True)
class Zoom:
    scale: int
    channels: int = 3
    random: bool = False
    degraded_bits: int | None = 8
    crop_border: int = 0

    def degrade(self, clean: Any, generator: np.random.Generator) -> Any:
        raise AssertionError("not degraded here")

    def interpolate(self, degraded: Any) -> Any:
        raise AssertionError("not interpolated here")


def build_zoom(options: ZoomOptions) -> Zoom:
    if options.scale == 7:
        raise ValueError("scale 7 brings bad luck")
    return Zoom(options.scale)


def widths_for(count: int) -> tuple[int, ...]:
    if count > 5:
        raise ValueError(f"tiny has at most 5 widths, not {count}")
    return tuple(4 * (index + 1) for index in range(count))


def family(
    name: str,
    *,
    scales: set[int],
    options: type[Options] = TinyOptions,
    multiple: int = 1,
    widths: tuple[int, ...] = (4, 8, 16),
    learns: bool = True,
) -> Any:
    return BackboneFamily(
        name=name,
        summary="for tests",
        options=options,
        build=lambda options, /, *, width, scale, channels: pytest.fail("built"),
        widths=widths,
        widths_for=widths_for,
        scales=frozenset(scales),
        receptive_field=lambda options, scale: 1,
        size_multiple=multiple,
        learns=learns,
    )


OFFERS = (
    Task(name="zoom", summary="for tests", options=ZoomOptions, build=build_zoom),
    Task(name="given", summary="for tests", options=ZoomOptions, build=build_zoom, degrades=False),
    family("tiny", scales={2, 4, 7}),
    family("even", scales={4, 8}, multiple=8),
    family("none", scales={2, 4}, options=NoOptions, widths=(1,), learns=False),
    DifficultyEstimator(name="interpolation", summary="for tests", build=lambda options, references: None),
    DifficultyEstimator(
        name="network", summary="for tests", options=NetworkOptions, build=lambda options, references: None
    ),
    DataSource(name="folder", summary="for tests", options=FolderOptions, build=lambda options: []),
    DataSource(name="couples", summary="for tests", build=lambda options: [], paired=True),
    DataSource(name="photos", summary="for tests", options=PhotosOptions, build=lambda options: []),
)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Tasks zoom; families tiny (2, 4, 7) and even (4, 8; multiples of 8); sources folder and photos."""
    return Catalogue(
        offered=tuple(Offered(offer, Provider(distribution=f"from-{offer.name}", version="1.0")) for offer in OFFERS)
    )


@pytest.fixture
def sound() -> str:
    """A recipe that nothing is wrong with; six lines."""
    return SOUND


@pytest.fixture
def resolved(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolved:
    """Loads a recipe's text from the file ``r.yml``."""
    monkeypatch.chdir(tmp_path)

    def load(text: str, overrides: Overrides = (), *, file: str = "r.yml") -> RunPlan:
        Path(file).write_text(text, encoding="utf-8")
        return load_recipe(file, catalogue, overrides)

    return load


@pytest.fixture
def problems(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    """Loads a recipe's text from the file ``r.yml`` and gives the lines that say what is wrong."""
    monkeypatch.chdir(tmp_path)

    def check(text: str, overrides: Overrides = ()) -> list[str]:
        Path("r.yml").write_text(text, encoding="utf-8")
        return [str(problem) for problem in check_recipe("r.yml", catalogue, overrides)]

    return check
