"""A plugin in one module: backbone family ``tiny`` and difficulty estimator ``sharpness``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from restoreroute import hookimpl
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.options import NoOptions, Options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from restoreroute.spec.difficulty import References, Score


class TinyOptions(Options):
    """What can be set for ``tiny``."""

    kernel: Literal[1, 3, 5] = Field(3, description="side of both convolutions")


def build_tiny(options: TinyOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """Two convolutions, then sub-pixels are sorted into place."""
    from torch import nn

    padding = options.kernel // 2
    return nn.Sequential(
        nn.Conv2d(channels, width, options.kernel, padding=padding),
        nn.PReLU(width),
        nn.Conv2d(width, channels * scale**2, options.kernel, padding=padding),
        nn.PixelShuffle(scale),
    )


TINY = BackboneFamily(
    name="tiny",
    summary="two convolutions and a pixel shuffle",
    build=build_tiny,
    options=TinyOptions,
    widths=(4, 8),
    widths_for=lambda count: tuple(range(4, 4 * count + 1, 4)),
    scales=frozenset({2, 3, 4}),
    receptive_field=lambda options, scale: 2 * (options.kernel // 2),
)


def build_sharpness(options: NoOptions, references: References) -> Score:
    """Score by the mean absolute difference of neighbouring pixels of the clean sub-image."""
    import numpy as np

    def score(degraded: NDArray[np.float32], clean: NDArray[np.float32]) -> NDArray[np.float64]:
        rows = np.abs(np.diff(clean.astype(np.float64), axis=1)).mean(axis=(1, 2, 3))
        columns = np.abs(np.diff(clean.astype(np.float64), axis=2)).mean(axis=(1, 2, 3))
        return np.asarray(rows + columns)

    return score


SHARPNESS = DifficultyEstimator(
    name="sharpness",
    summary="mean absolute difference of neighbouring pixels",
    build=build_sharpness,
)


@hookimpl
def restoreroute_backbones() -> list[BackboneFamily]:
    return [TINY]


@hookimpl
def restoreroute_difficulty_estimators() -> list[DifficultyEstimator]:
    return [SHARPNESS]
