"""What has to fit together in a recipe beyond the form of each value.  Each check gives a message or None."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.source import DataSource
from restoreroute.spec.stages import NetworkStage, PretrainStage, StageOptions
from restoreroute.spec.task import Task


def scale_served(family: BackboneFamily, scale: int, families: Iterable[BackboneFamily]) -> str | None:
    """The family has to serve the task's scale.

    Args:
        family: the one that the recipe names.
        scale: the task's.
        families: all there are, to say which ones would do.
    """
    if scale in family.scales:
        return None
    serving = sorted(other.name for other in families if scale in other.scales)
    served = ", ".join(str(known) for known in sorted(family.scales))
    advice = f"families that do: {', '.join(serving)}" if serving else "no installed family does"
    return f"{family.kind} {family.name!r} serves scale {served}, not the task's {scale}; {advice}"


def size_fits(family: BackboneFamily, side: int) -> str | None:
    """Sides of what networks are given have to be multiples of the family's size multiple."""
    multiple = family.size_multiple
    if side % multiple == 0:
        return None
    return f"must be a multiple of {multiple} for {family.kind} {family.name!r}, not {side}"


def source_fits(task: Task, source: DataSource, sources: Iterable[DataSource]) -> str | None:
    """A task that makes no degraded images needs a source that has them.

    Args:
        task: the recipe's.
        source: of one of its splits.
        sources: all there are, to say which ones would do.
    """
    if task.degrades or source.paired:
        return None
    having = sorted(other.name for other in sources if other.paired)
    advice = f"sources that do: {', '.join(having)}" if having else "no installed source does"
    return (
        f"{source.kind} {source.name!r} has no degraded images, which {task.kind} {task.name!r} takes from the data; "
        f"{advice}"
    )


def clean_scales_fit(clean_scales: Sequence[float], source: DataSource) -> str | None:
    """Degraded images that come with the data are of one size."""
    if not source.paired or tuple(clean_scales) == (1.0,):
        return None
    return f"must be [1.0]: the degraded images of {source.kind} {source.name!r} are of one size"


def stride_fits(stride: int, patch: int) -> str | None:
    """Patches must leave no gaps."""
    return f"must be at most the patch's side, {patch}, not {stride}" if stride > patch else None


def shares_fit(shares: Sequence[float] | None, branches: int) -> str | None:
    """There has to be one share per branch, and their sum has to be 1 (within 1e-6)."""
    if shares is None:
        return None
    if len(shares) != branches:
        return f"must have one share for each of the {branches} branches, not {len(shares)}"
    total = math.fsum(shares)
    return None if abs(total - 1) <= 1e-6 else f"must have the sum 1, not {total:.7g}"


def edges_fit(edges: Sequence[float] | None, branches: int | None) -> str | None:
    """There has to be one edge between each two classes, and edges have to rise; ``branches`` None if unknown."""
    if edges is None:
        return None
    if branches is not None and len(edges) != branches - 1:
        return f"must have one number between each two of the {branches} branches, so {branches - 1}, not {len(edges)}"
    for before, after in pairwise(edges):
        if before >= after:
            return f"must rise, not go from {before:g} to {after:g}"
    return None


def start_fits(start: str, has_baseline: bool) -> str | None:
    """Branches can start from the baseline only where there is one; the full network always can, others may."""
    if start == "baseline" and not has_baseline:
        return "there is no baseline to start from: stages.baseline.iterations is 0"
    return None


def per_branch_fits(pretrain: PretrainStage, branches: int) -> str | None:
    """There has to be a number of updates for each branch, and the warm-up has to end before the fewest."""
    counts = pretrain.per_branch
    if counts is None:
        return None
    if len(counts) != branches:
        return f"must have one number of updates for each of the {branches} branches, not {len(counts)}"
    fewest = min((count for count in counts if count), default=0)
    return (
        f"must be more than the warm-up of {pretrain.warmup}, not {fewest}" if 0 < fewest <= pretrain.warmup else None
    )


def distil_fits(distil: float, has_baseline: bool) -> str | None:
    """Branches learn from the baseline's output only where there is one."""
    if distil and not has_baseline:
        return "there is no baseline to learn from: stages.baseline.iterations is 0"
    return None


def weight_decay_fits(stage: StageOptions) -> str | None:
    """Plain Adam has no weight decay of its own."""
    if stage.weight_decay and stage.optimiser == "adam":
        return "is of the optimisers 'adamw' and 'muon', and this stage has 'adam'"
    return None


def phases_fit(stage: NetworkStage) -> str | None:
    """A stage that is skipped, of every branch where they differ, has no phases."""
    counts = stage.per_branch if isinstance(stage, PretrainStage) else None
    if stage.phases and not any(counts or (stage.iterations,)):
        return "can't follow a stage of 0 iterations"
    return None


def warmup_fits(stage: StageOptions) -> str | None:
    """The warm-up has to end before the stage does."""
    if stage.iterations == 0 or stage.warmup < stage.iterations:
        return None
    return f"must be less than the stage's {stage.iterations} iterations, not {stage.warmup}"
