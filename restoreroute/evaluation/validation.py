"""Quick figures on the validation images while a stage trains."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from restoreroute.data.pairs import Pair
from restoreroute.data.sub_images import as_tensor
from restoreroute.imaging.color import to_float
from restoreroute.inference.engine import restore_cells, restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.tiles import cell_tiles
from restoreroute.routing.policies import argmax
from restoreroute.routing.router import Router
from restoreroute.spec.task import BoundTask


class Validator:
    """PSNR-RGB (dB, values not rounded, no border dropped) over a few images held in memory.

    Args:
        pairs: the images; a random task draws each one's degradation once, the same in every run.
        patch: side of the patch that the Class-Module sees, in degraded pixels.
        stride: side of a cell.
    """

    def __init__(
        self, pairs: Sequence[Pair], task: BoundTask, *, patch: int, stride: int, device: torch.device
    ) -> None:
        self.patch = patch
        self.stride = stride
        self.images = [
            (
                as_tensor(pair.degraded_image(task, seed=0)[None])[0].to(device),
                as_tensor(to_float(np.asarray(pair.clean))[None])[0].to(device),
            )
            for pair in pairs
        ]

    def network(self, network: nn.Module) -> dict[str, float]:
        """``psnr`` of one network over whole images."""
        return {"psnr": fmean(_psnr(restore_whole(network, degraded), clean) for degraded, clean in self.images)}

    def router(self, router: Router) -> dict[str, float]:
        """``psnr`` of the routed result, ``confidence`` (mean largest probability) and each branch's ``share_<i>``."""
        values: list[float] = []
        probabilities: list[np.ndarray[tuple[int, int], np.dtype[np.float32]]] = []
        for degraded, clean in self.images:
            height, width = degraded.shape[1:]
            tiles = cell_tiles(height, width, cell=self.stride, halo=(self.patch - self.stride) // 2)
            scores = score_cells(router.class_module, degraded, cell=self.stride, patch=self.patch)
            probability = scores.reshape(len(tiles), -1)
            restored = restore_cells(router.branches, degraded, tiles, argmax(probability))
            values.append(_psnr(restored, clean))
            probabilities.append(probability)
        everywhere = np.concatenate(probabilities)
        used = np.bincount(everywhere.argmax(axis=1), minlength=everywhere.shape[1]) / len(everywhere)
        figures = {"psnr": fmean(values), "confidence": float(everywhere.max(axis=1).mean())}
        return figures | {f"share_{branch}": float(share) for branch, share in enumerate(used)}


def _psnr(restored: Tensor, clean: Tensor) -> float:
    error = (restored.clamp(0, 1) - clean).square().mean().clamp(min=1e-10)
    return -10 * error.log10().item()
