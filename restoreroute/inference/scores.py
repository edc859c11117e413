"""Probabilities of the branches for every cell of an image, in one pass of the Class-Module."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from restoreroute.inference.engine import crop
from restoreroute.inference.regions import BLOCK
from restoreroute.inference.tiles import Box
from restoreroute.routing.class_module import ClassModule

BATCH_BLOCKS = 4


def score_cells(
    class_module: ClassModule, image: Tensor, *, cell: int, patch: int, inside: Box | None = None
) -> NDArray[np.float32]:
    """Probability of each branch for each cell, from the patch around it; beyond the image its edge is repeated.

    The pass runs over blocks of 8 x 8 cells, each with the margin that its patches need, so that a cell's figures do
    not depend on where else the image reaches.

    Args:
        image: (C, h, w) in [0, 1].
        cell: side of a cell.
        patch: side of the square that the Class-Module was trained on, at least ``cell``.
        inside: the part of ``image`` whose cells are scored, where the rest is there to be seen only.

    Returns:
        (rows, columns, M).
    """
    whole = Box(0, 0, image.shape[1], image.shape[2])
    scored = inside or whole
    height, width = scored.height, scored.width
    margin, step = (patch - cell) // 2, BLOCK * cell
    reach = patch - cell - margin
    seen = Box(
        max(scored.top - margin, 0),
        max(scored.left - margin, 0),
        min(scored.bottom + reach, whole.bottom),
        min(scored.right + reach, whole.right),
    )
    down, across = -(-height // step), -(-width // step)
    padding = (
        *(margin - (scored.left - seen.left), across * step - width + reach - (seen.right - scored.right)),
        *(margin - (scored.top - seen.top), down * step - height + reach - (seen.bottom - scored.bottom)),
    )
    extended = functional.pad(crop(image, seen, 1)[None], padding, mode="replicate")[0]
    side = step + patch - cell
    blocks = extended.unfold(1, side, step).unfold(2, side, step)  # (C, down, across, side, side)
    blocks = blocks.flatten(1, 2).transpose(0, 1)  # (down * across, C, side, side)
    with torch.inference_mode():
        found = [
            class_module.grid(batch.contiguous(memory_format=torch.channels_last), window=patch, step=cell)
            for batch in torch.split(blocks, BATCH_BLOCKS)
        ]
        probability = torch.cat(found).softmax(dim=-1)  # (down * across, BLOCK, BLOCK, M)
    nested = probability.reshape(down, across, BLOCK, BLOCK, -1).transpose(1, 2)
    grid = nested.reshape(down * BLOCK, across * BLOCK, -1)
    scores: NDArray[np.float32] = grid[: -(-height // cell), : -(-width // cell)].cpu().numpy()
    return scores
