"""A recipe that runs from photos to results within seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import numpy as np

from restoreroute.app.run import run_recipe
from restoreroute.imaging.io import write_image
from restoreroute.spec.events import Event, StepReused, StepStarted
from restoreroute.spec.results import RunResults

STAGES = ("baseline", "pretrain_0", "pretrain_1", "class_module", "joint")
SIZES = {"train": [(64, 64), (72, 64)], "validation": [(48, 40)], "test": [(48, 64), (41, 50)]}
"""Height and width of the clean photos; the last one is no multiple of the scale."""


def write_photos(folder: Path) -> Path:
    """Small photos of waves and noise, in a folder per split."""
    generator = np.random.default_rng(0)
    for split, sizes in SIZES.items():
        (folder / split).mkdir(parents=True)
        for number, (height, width) in enumerate(sizes):
            y, x = np.mgrid[:height, :width] / 8
            waves = np.stack([np.sin(x + number), np.cos(y), np.sin(x * y / 6)], axis=2)
            image = 128 + 80 * waves + generator.normal(0, 12, waves.shape)
            write_image(folder / split / f"{split}{number}.png", image.clip(0, 255).astype(np.uint8))
    return folder


def write_recipe(folder: Path, photos: Path) -> Path:
    """Checkpoints after iterations 3, 6, 7 and validations after 2, 4, 6, 7 of every stage."""
    stage = "{iterations: 7, batch: 4, lr: 1e-3, lr_final: 1e-5, validate_every: 2, checkpoint_every: 3}"
    path = folder / "tiny.yml"
    text = f"""\
        task: super_resolution
        backbone: fsrcnn
        branches: [4, 8]
        class_module: {{width: 4}}
        data:
          train: {photos / "train"}
          validation: {photos / "validation"}
          test: {photos / "test"}
          sub_image: 8
          step: 4
        stages:
          baseline: {stage}
          pretrain: {stage}
          class_module: {stage}
          joint: {stage}
        routing: {{patch: 8, stride: 6}}
        """
    path.write_text(dedent(text), encoding="utf-8")
    return path


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """The recipe, and runs of it in one place."""

    recipe: Path
    runs: Path
    events: list[Event] = field(default_factory=list)
    results: list[RunResults] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.runs / "tiny"

    @property
    def model(self) -> Path:
        return self.folder / "model.safetensors"

    def run(self, *overrides: str, fresh: bool = False) -> RunResults:
        """Run or go on; ``events`` holds what happened this time."""
        self.events.clear()
        results = run_recipe(
            self.recipe, overrides=overrides, runs=self.runs, fresh=fresh, device="cpu", listen=self.events.append
        )
        self.results.append(results)
        return results

    def reused(self) -> list[str]:
        return [event.step for event in self.events if isinstance(event, StepReused)]

    def started(self) -> list[str]:
        return [event.step for event in self.events if isinstance(event, StepStarted)]


def leftovers(folder: Path) -> Sequence[Path]:
    """Temporary files that should be gone."""
    return [path for path in folder.rglob("*") if path.suffix in {".tmp", ".next"}]
