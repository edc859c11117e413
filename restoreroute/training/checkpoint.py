"""Where a stage stands, on disk: written atomically, with the one before kept beside it."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from restoreroute.errors import OutputError, RestorerouteError
from restoreroute.imaging.atomic import write_atomically
from restoreroute.spec.events import Listener, Notice


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that a stage needs to go on to the same bits.

    Batches, augmentation and learning rate are functions of the iteration, so no random state is in it.

    Attributes:
        key: hash of all that the stage depends on; another key means another stage.
        iteration: updates done.
        network: state of the trained network.
        optimiser: state of the optimiser.
        average: state of the averaged weights, or None where none are kept.
        validations: figures on the validation images by iteration.
    """

    key: str
    iteration: int
    network: dict[str, Tensor]
    optimiser: dict[str, Any]
    average: dict[str, Any] | None = None
    validations: list[dict[str, float]] = field(default_factory=list)


class CheckpointFile:
    """The checkpoint of one stage.

    Args:
        path: the newest checkpoint; the one before lies beside it with the suffix ``.previous``.
        key: what the stage depends on; checkpoints with another key are ignored.
    """

    def __init__(self, path: Path, *, key: str) -> None:
        self.path = path
        self.previous = path.with_suffix(path.suffix + ".previous")
        self.key = key

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint.  Where that fails, the ones before stay as they are.

        Raises:
            OutputError: if it can't be written.
        """
        staged = self.path.with_suffix(self.path.suffix + ".next")
        buffer = io.BytesIO()  # torch.save would report a full disk as a RuntimeError of its own
        torch.save(asdict(checkpoint), buffer)
        write_atomically(staged, lambda file: file.write(buffer.getbuffer()))
        try:
            if self.path.exists():
                self.path.replace(self.previous)
            staged.replace(self.path)
        except OSError as error:
            raise OutputError(f"can't be written: {error.strerror}", where=str(self.path)) from error

    def load(self, *, listen: Listener) -> Checkpoint | None:
        """The newest readable checkpoint of this key, or None if there is none of this key.

        Raises:
            RestorerouteError: if there are checkpoints but none can be read.
        """
        damage: list[str] = []
        for path in (self.path.with_suffix(self.path.suffix + ".next"), self.path, self.previous):
            if not path.exists():
                continue
            try:
                found = Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
            except Exception as error:  # a damaged file raises anything from EOFError to UnpicklingError
                damage.append(f"{path.name} ({type(error).__name__})")
                continue
            same = found.key == self.key
            if damage:
                remedy = f"going on from {path.name}" if same else "this stage starts over"
                listen(Notice(text=f"{damage[0]} is damaged; {remedy}"))
            return found if same else None
        if damage:
            raise RestorerouteError(
                f"no checkpoint can be read: {', '.join(damage)}",
                where=str(self.path.parent),
                hint="restore the file from a backup, or delete it to repeat this stage",
            )
        return None
