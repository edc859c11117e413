"""Training curves as tensorboard events."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from restoreroute.spec.events import Event, TrainingProgress, Validated


class TensorboardReporter:
    """Writes losses, shares, learning rate and validation figures, one folder per stage.

    Args:
        folder: where the folders of the stages go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self.writers.values():
            writer.close()

    def __call__(self, event: Event) -> None:
        match event:
            case TrainingProgress():
                writer = self._writer(event.step, event.iteration)
                for name, value in event.losses.items():
                    writer.add_scalar(f"loss/{name}", value, event.iteration)
                for branch, share in enumerate(event.shares):
                    writer.add_scalar(f"share/branch_{branch}", share, event.iteration)
                if event.confidence is not None:
                    writer.add_scalar("confidence", event.confidence, event.iteration)
                writer.add_scalar("learning_rate", event.learning_rate, event.iteration)
            case Validated():
                writer = self._writer(event.step, event.iteration)
                for name, value in event.figures.items():
                    writer.add_scalar(f"validation/{name}", value, event.iteration)
            case _:
                pass

    def _writer(self, stage: str, iteration: int) -> Any:
        """The writer of a stage; when a run goes on, points from the iteration on are superseded."""
        if stage not in self.writers:
            from tensorboardX import SummaryWriter

            self.writers[stage] = SummaryWriter(str(self.folder / stage), purge_step=iteration)
        return self.writers[stage]
