"""A stage so small that what it learns can be followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restoreroute.spec.stages import StageOptions
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import Part, Stage
from restoreroute.training.updates import StepLosses

MakeStage = Callable[..., Stage[Tensor]]


def batch_of(iteration: int) -> Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(iteration))


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    return CheckpointFile(tmp_path / "stage.pt", key="key")


@pytest.fixture
def make_stage() -> MakeStage:
    """A linear layer that learns to double its input; options may be given by name."""

    def make(
        *,
        network: nn.Module | None = None,
        losses: Callable[[nn.Module, Tensor], Tensor] | None = None,
        validate: Callable[[], Mapping[str, float]] = lambda: {"psnr": 20.0},
        fetch: Callable[[int], Tensor] = batch_of,
        **options: Any,
    ) -> Stage[Tensor]:
        torch.manual_seed(0)
        trained = network if network is not None else nn.Linear(3, 3)

        def step(batch: Tensor) -> StepLosses:
            loss = losses(trained, batch) if losses else (trained(batch) - 2 * batch).square().mean()
            return StepLosses(terms={"total": loss, "image": loss})

        settings = {"iterations": 10, "batch": 4, "lr": 0.01, "checkpoint_every": 4, "validate_every": 5}
        stage_options = StageOptions(**settings | options)
        return Stage(
            name="double",
            options=stage_options,
            network=trained,
            parts=[Part(options=stage_options, fetch=fetch, losses=step)],
            validate=validate,
        )

    return make
