"""Trained models that ship with restoreroute: in ``models`` each one's routed model, baseline and card."""

from __future__ import annotations

from pathlib import Path

from restoreroute import hookimpl
from restoreroute.spec.model import TrainedModel

MODELS = Path(__file__).parent / "models"

SUMMARIES = {
    "denoise-dncnn-s25": "Gaussian noise of sigma 25: DnCNN 38/52/64",
    "sr-carn-x4": "x4 super-resolution: CARN-M 36/52/64, better and slower than sr-fsrcnn-x4",
    "sr-fsrcnn-x4": "x4 super-resolution: FSRCNN 16/36/56, fast",
}


def shipped(name: str, summary: str) -> TrainedModel:
    """The model of that name."""
    baseline = MODELS / f"{name}.baseline.safetensors"
    return TrainedModel(
        name=name,
        summary=summary,
        build=lambda _options: MODELS / f"{name}.safetensors",
        card=MODELS / f"{name}.md",
        baseline=baseline if baseline.is_file() else None,
    )


@hookimpl
def restoreroute_models() -> list[TrainedModel]:
    return [shipped(name, summary) for name, summary in SUMMARIES.items()]
