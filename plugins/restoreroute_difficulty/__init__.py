"""First-party difficulty estimators: PSNR of a reference restoration, the lower the harder (paper section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from restoreroute import hookimpl
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.options import NoOptions, Options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from restoreroute.spec.difficulty import References, Restore, Score


class NetworkOptions(Options):
    """Which network's PSNR ranks the sub-images."""

    model: str | None = Field(
        None,
        min_length=1,
        description="a model file or published checkpoint, whose full network is used; this run's baseline if not set",
    )


def psnr_score(restore: Restore) -> Score:
    """Score sub-images by the negative PSNR in dB of their restoration, clipped to [0, 1]."""
    import numpy as np

    def score(degraded: NDArray[np.float32], clean: NDArray[np.float32]) -> NDArray[np.float64]:
        error = np.clip(restore(degraded), 0, 1).astype(np.float64) - clean
        mean_squared = np.maximum((error**2).mean(axis=(1, 2, 3)), 1e-10)
        return np.asarray(10 * np.log10(mean_squared))

    return score


def by_interpolation(options: NoOptions, references: References) -> Score:
    """Score by the task's interpolation: needs no network."""
    return psnr_score(references.interpolation())


def by_network(options: NetworkOptions, references: References) -> Score:
    """Score by a trained network, as the paper does."""
    return psnr_score(references.network(options.model))


@hookimpl
def restoreroute_difficulty_estimators() -> list[DifficultyEstimator]:
    return [
        DifficultyEstimator(
            name="interpolation",
            summary="PSNR of the task's interpolation",
            build=by_interpolation,
        ),
        DifficultyEstimator(
            name="network",
            summary="PSNR of a trained network: a model file, or the run's own baseline",
            build=by_network,
            options=NetworkOptions,
        ),
    ]
