"""Timings of ways to restore, as data."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

ROUTING, GATHER, BRANCHES, PLACING = "routing", "gather", "branches", "placing"
"""Parts of the seamless way: scores and regions, windows of regions, networks, and results put together."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One way, timed.

    Attributes:
        seconds: of each round.
        memory: highest resident memory while it ran, in bytes; None where the system does not tell.
    """

    seconds: tuple[float, ...]
    memory: int | None

    @property
    def median(self) -> float:
        """Seconds."""
        return median(self.seconds)


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """Where the time of the seamless way goes.

    Attributes:
        seconds: of routing, gathering windows, branches, and placing results; medians of the rounds.
        operations: that the branches execute, 2 per multiply-accumulate.
        peak: operations a second that a large convolution reaches on this machine.
    """

    seconds: dict[str, float]
    operations: float
    peak: float

    @property
    def reached(self) -> float:
        """Operations a second of the branches."""
        return self.operations / self.seconds[BRANCHES]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One model on one photo.

    Attributes:
        name: of the model or recipe.
        height: of the degraded image.
        width: of the degraded image.
        scale: side of the restored over side of the degraded image.
        shares: of the cells per branch.
        references: ways of the full network alone over the whole image, the best of which is what routing has to beat.
        timings: by way.
        breakdown: of the seamless way.
        alone: the seamless way with every cell on one branch, for each branch, cheapest first; none in older figures.
    """

    name: str
    height: int
    width: int
    scale: int
    shares: tuple[float, ...]
    references: tuple[str, ...]
    timings: dict[str, Timing]
    breakdown: Breakdown
    alone: tuple[str, ...] = ()

    @property
    def reference(self) -> float:
        """Seconds of the full network's best way."""
        return min(self.timings[way].median for way in self.references)

    @property
    def at_best(self) -> float | None:
        """Seconds of the seamless way if all cells of a branch lay together; None where branches were not timed."""
        if not self.alone:
            return None
        return sum(share * self.timings[way].median for share, way in zip(self.shares, self.alone, strict=True))

    @property
    def megapixels(self) -> float:
        """Of the restored image."""
        return self.height * self.width * self.scale**2 / 1e6
