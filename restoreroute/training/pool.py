"""Branch outputs computed once: while the branches are frozen, the Class-Module's stage need not run them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from restoreroute.data.sampler import Sampler
from restoreroute.data.sub_images import Batch
from restoreroute.routing.branches import BranchBank


@dataclass(frozen=True, kw_only=True)
class PooledBatch(Batch):
    """Sub-images with what every branch makes of them: ``outputs`` is a list of M tensors (B, C, H, W)."""

    outputs: list[Tensor]

    def to(self, device: torch.device) -> Self:
        return replace(
            self,
            degraded=self.degraded.to(device),
            clean=self.clean.to(device),
            outputs=[output.to(device) for output in self.outputs],
        )


@dataclass(frozen=True, kw_only=True)
class OutputPool:
    """N sub-images and the outputs of M branches, in half precision on the CPU.

    Attributes:
        degraded: (N, C, h, w) float32.
        clean: (N, C, H, W) half.
        outputs: M tensors (N, C, H, W) half.
    """

    degraded: Tensor
    clean: Tensor
    outputs: tuple[Tensor, ...]

    def batches(self, *, batch: int, seed: int) -> Callable[[int], PooledBatch]:
        """The batch of each iteration."""
        sampler = Sampler(count=len(self.degraded), batch=batch, seed=seed)

        def fetch(iteration: int) -> PooledBatch:
            positions = torch.from_numpy(sampler.positions(iteration))
            return PooledBatch(
                degraded=self.degraded[positions],
                clean=self.clean[positions].float(),
                outputs=[output[positions].float() for output in self.outputs],
            )

        return fetch


def fill_pool(
    branches: BranchBank,
    fetch: Callable[[int], Batch],
    *,
    chunks: int,
    device: torch.device,
    progress: Callable[[int, int], None],
) -> OutputPool:
    """Run every branch over ``chunks`` batches of sub-images.

    Args:
        progress: called with the number of chunks done and of all.
    """
    degraded: list[Tensor] = []
    clean: list[Tensor] = []
    outputs: list[list[Tensor]] = [[] for _ in range(len(branches))]
    with torch.no_grad():
        for chunk in range(chunks):
            batch = fetch(chunk)
            degraded.append(batch.degraded)
            clean.append(batch.clean.half())
            for kept, branch in zip(outputs, branches, strict=True):
                kept.append(branch(batch.degraded.to(device)).half().cpu())
            progress(chunk + 1, chunks)
    return OutputPool(
        degraded=torch.cat(degraded),
        clean=torch.cat(clean),
        outputs=tuple(torch.cat(kept) for kept in outputs),
    )
