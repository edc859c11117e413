"""One update of the weights: run operation by operation, or recorded once on a GPU and replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from restoreroute.data.sub_images import Batch
from restoreroute.spec.stages import NetworkStage
from restoreroute.training.optimisers import Optimiser

BatchT = TypeVar("BatchT")

WARM_UP = 3
"""Updates that run as they are before one is recorded, so that libraries have chosen their ways."""


@dataclass(frozen=True, kw_only=True)
class StepLosses:
    """What one update came to.

    Attributes:
        terms: ``"total"`` is minimised; the others are its unweighted terms.
        probability: (B, M) of the batch, or None where there is no Class-Module.
    """

    terms: Mapping[str, Tensor]
    probability: Tensor | None = None


class Update(Generic[BatchT]):
    """Losses of a batch, their gradients, and a step of the optimiser.

    Args:
        losses: of a batch, with gradient.
        optimiser: makes the step.
        trained: the parameters that have gradients.
        clip: largest norm of all gradients together; None for no limit.
    """

    def __init__(
        self,
        losses: Callable[[BatchT], StepLosses],
        optimiser: Optimiser,
        trained: Sequence[nn.Parameter],
        clip: float | None,
    ) -> None:
        self._losses = losses
        self._optimiser = optimiser
        self._trained = trained
        self._clip = clip

    def __call__(self, batch: BatchT) -> StepLosses:
        """Update the weights; what it gives has no gradient."""
        losses = self._losses(batch)
        self._optimiser.zero_grad(set_to_none=True)
        losses.terms["total"].backward()  # type: ignore[no-untyped-call]
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self._trained, self._clip)
        self._optimiser.step()
        return StepLosses(
            terms={name: term.detach() for name, term in losses.terms.items()},
            probability=None if losses.probability is None else losses.probability.detach(),
        )


class RecordedUpdate:
    """An update whose GPU operations are recorded once, as a CUDA graph, and replayed on each further batch.

    A small network's operations are done sooner than Python has launched the next one: replayed, all of them are one
    launch.  The first updates run as they are.

    Args:
        update: of batches of one shape; neither it nor the network may read a value back from the GPU.
    """

    def __init__(self, update: Update[Batch]) -> None:
        self._update = update
        self._done = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch: Batch | None = None
        self._losses: StepLosses | None = None
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def __call__(self, batch: Batch) -> StepLosses:
        """Update the weights.  What it gives is overwritten by the next call."""
        if self._done < WARM_UP:
            self._done += 1
            return self._aside(batch)
        if self._graph is None or self._batch is None or self._losses is None:
            self._batch = batch
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"):
                self._losses = self._update(batch)
        else:
            for field in fields(batch):
                getattr(self._batch, field.name).copy_(getattr(batch, field.name))
        self._graph.replay()
        return self._losses

    def _aside(self, batch: Batch) -> StepLosses:
        """An update on a stream of its own, as recording needs it of what comes before."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            losses = self._update(batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        return losses


def is_recorded(options: NetworkStage, device: torch.device) -> bool:
    """Whether the updates of a stage are recorded: where it asks for it, on a GPU."""
    return options.record and device.type == "cuda"
