"""Branches run step by step, with context around a piece of an image that shrinks to what later steps still need.

A piece with as much context as its branch can see gives exactly what the whole-image pass gives there, and costs less
than if every layer ran over all of the context: layers run without padding, and so each leaves only what the next ones
need.  With less context the first layers run without part of what they would see.  Where a piece lies at the border of
the image it has no context there, and layers pad as they do for the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from restoreroute.inference.tiles import Sides, Tile
from restoreroute.routing.cost import StepCost
from restoreroute.spec.backbone import Chain

NO_CONTEXT: Sides = (0, 0, 0, 0)


class Reaching(Protocol):
    """A step, or what it costs."""

    @property
    def reach(self) -> int:
        """How far an output depends on the input, in pixels of the input."""
        ...

    @property
    def scale(self) -> int:
        """Side of the output over side of the input."""
        ...


def run_chains(chains: Sequence[Chain], windows: Tensor, context: Sides) -> Tensor:
    """A branch over windows of one shape.

    Args:
        chains: of the branch.
        windows: (B, C, h, w) in [0, 1].
        context: how much of each side of a window is there to be seen only.

    Returns:
        (B, C, H, W) over the windows without their context, times the scale.
    """
    total: Tensor | None = None
    for chain in chains:
        output = _run_chain(chain, windows, context)
        total = output if total is None else total + output
    if total is None:
        raise ValueError("a branch has at least one chain of steps")
    return total


def _run_chain(chain: Chain, windows: Tensor, context: Sides) -> Tensor:
    features, sides = windows, context
    for step, margin in zip(chain, margins(chain), strict=True):
        features, sides = _cut(features, sides, margin)
        if step.inner is not None and _is_full(sides, margin):
            features = step.inner(features)
            sides = _at_most(sides, margin - step.reach)
        else:
            features = step.run(features)
        sides = _scaled(sides, step.scale)
    return _cut(features, sides, 0)[0]


def margins(chain: Sequence[Reaching]) -> list[int]:
    """Pixels of each step's input, around a piece, on which the chain's output over the piece depends."""
    found = []
    needed = 0  # around the output of the step
    for step in reversed(chain):
        needed = step.reach - (-needed // step.scale)
        found.append(needed)
    return found[::-1]


def operations(chains: Sequence[Sequence[StepCost]], tile: Tile) -> float:
    """What :func:`run_chains` executes for one tile."""
    executed = 0.0
    for chain in chains:
        sides, height, width = tile.context, tile.inside.height, tile.inside.width
        for step, margin in zip(chain, margins(chain), strict=True):
            sides = _at_most(sides, margin)
            top, left, bottom, right = sides
            rows, columns = height + top + bottom, width + left + right
            if step.unpadded is not None and _is_full(sides, margin):
                executed += step.unpadded.over(rows, columns)
                sides = _at_most(sides, margin - step.reach)
            else:
                executed += step.executed * rows * columns
            sides = _scaled(sides, step.scale)
            height, width = height * step.scale, width * step.scale
    return executed


def _cut(features: Tensor, sides: Sides, margin: int) -> tuple[Tensor, Sides]:
    """Features without what lies further out than ``margin``, and what is left at each side."""
    kept = _at_most(sides, margin)
    if kept == sides:
        return features, sides
    top, left, bottom, right = (side - keep for side, keep in zip(sides, kept, strict=True))
    height, width = features.shape[2:]
    return features[:, :, top : height - bottom, left : width - right], kept


def _is_full(sides: Sides, margin: int) -> bool:
    """Whether all that a step needs is there, at each side."""
    return min(sides) == margin


def _at_most(sides: Sides, margin: int) -> Sides:
    top, left, bottom, right = sides
    return min(top, margin), min(left, margin), min(bottom, margin), min(right, margin)


def _scaled(sides: Sides, scale: int) -> Sides:
    top, left, bottom, right = sides
    return top * scale, left * scale, bottom * scale, right * scale
