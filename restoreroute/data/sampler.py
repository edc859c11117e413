"""In which order sub-images are seen: a pure function of seed and iteration, so a run resumes to the same bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Batches of positions 0..count-1; every position comes once before any comes again.

    Attributes:
        count: number of sub-images, at least 1.
        batch: sub-images in a batch.
        seed: decides the order.
    """

    count: int
    batch: int
    seed: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("there is nothing to sample from")

    def positions(self, iteration: int) -> NDArray[np.int64]:
        """The (batch,) positions of one iteration, counted from 0."""
        places = np.arange(iteration * self.batch, (iteration + 1) * self.batch)
        epochs = places // self.count
        chosen = np.empty(self.batch, dtype=np.int64)
        for epoch in np.unique(epochs):
            inside = epochs == epoch
            chosen[inside] = _order(self.count, self.seed, int(epoch))[places[inside] % self.count]
        return chosen

    def generator(self, iteration: int) -> np.random.Generator:
        """Randomness of one iteration, for augmentation and degradation."""
        return np.random.default_rng([self.seed, iteration])


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, count, epoch]).permutation(count)
