"""A model over a set of images: every way to restore, every figure, under one protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray

from restoreroute.data.pairs import Pair
from restoreroute.data.sub_images import as_tensor
from restoreroute.evaluation.protocols import EvaluationProtocol, require_size
from restoreroute.evaluation.ways import Comparison, Outcome, Work
from restoreroute.imaging.color import to_float
from restoreroute.inference.tiles import Tile
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, shares
from restoreroute.spec.events import Listener, WorkProgress
from restoreroute.spec.results import ImageFigures, Quality, ResultRow, SetResult

METRIC_THREADS = 2
WARM_UP_SIDE = 96

Draw = Callable[[Pair, Outcome, Sequence[Tile]], None]


@dataclass(kw_only=True)
class _Tally:
    """One row in the making."""

    qualities: list[Quality] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    work: Work = field(default_factory=Work)
    seconds: float = 0.0

    def add(self, outcome: Outcome, quality: Quality) -> None:
        self.qualities.append(quality)
        self.work += outcome.work
        self.seconds += outcome.seconds
        if outcome.route is not None:
            self.routes.append(outcome.route)

    def row(self, name: str, branches: int) -> ResultRow:
        return ResultRow(
            name=name,
            quality=mean_quality(self.qualities),
            shares=shares(np.concatenate(self.routes), branches) if self.routes else (),
            executed=self.work.executed / self.work.patches,
            charged=self.work.charged / self.work.area,
            paper=self.work.paper / self.work.patches,
            seconds=self.seconds,
        )


def evaluate(
    model: Model,
    pairs: Sequence[Pair],
    *,
    set_name: str,
    protocol: EvaluationProtocol,
    baseline: Model | None,
    seed: int,
    device: torch.device,
    listen: Listener,
    draw: Draw | None = None,
) -> SetResult:
    """Restore every image in every way and compare with the clean one.

    Args:
        set_name: shown with the figures.
        baseline: the full network trained alone, as a model of one branch; its row is left out without it.
        seed: of the random route and of random degradations; an image's figures do not depend on the others.
        draw: called with each image's routed outcome and the tiles of its route.

    Raises:
        InputError: if an image is smaller than the protocol allows.
    """
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    images: list[ImageFigures] = []
    confidences: list[NDArray[np.float32]] = []
    step = f"evaluate {protocol.name}"
    with ThreadPoolExecutor(METRIC_THREADS, thread_name_prefix="metrics") as threads:
        for number, pair in enumerate(pairs):
            listen(WorkProgress(step=step, done=number, total=len(pairs)))
            comparison = _comparison(model, pair, protocol, baseline, seed=seed, device=device)
            if number == 0:
                _warm_up(comparison)
            outcomes = list(comparison.outcomes())
            clean = to_float(np.asarray(pair.clean))
            qualities = list(
                threads.map(lambda outcome, clean=clean: protocol.quality(outcome.restored, clean), outcomes)
            )
            for outcome, quality in zip(outcomes, qualities, strict=True):
                tallies[outcome.way].add(outcome, quality)
                if outcome.confidence is not None:
                    confidences.append(outcome.confidence)
                    if draw is not None:
                        draw(pair, outcome, comparison.tiles)
            names = [outcome.way for outcome in outcomes]
            images.append(ImageFigures(file=pair.file.name, rows=dict(zip(names, qualities, strict=True))))
    listen(WorkProgress(step=step, done=len(pairs), total=len(pairs)))
    return SetResult(
        set_name=set_name,
        protocol=protocol.name,
        patch=model.patch,
        patches=round(next(iter(tallies.values())).work.patches),
        confidence=float(np.concatenate(confidences).mean()) if confidences else None,
        rows=tuple(tally.row(name, len(model.branches)) for name, tally in tallies.items()),
        images=tuple(images),
        class_module=model.class_module_cost.executed,
    )


def mean_quality(qualities: Sequence[Quality]) -> Quality:
    """The mean of each figure over images; None where any image lacks it."""

    def mean(values: list[float | None]) -> float | None:
        present = [value for value in values if value is not None]
        return fmean(present) if len(present) == len(values) else None

    return Quality(
        psnr_rgb=fmean(quality.psnr_rgb for quality in qualities),
        psnr_y=mean([quality.psnr_y for quality in qualities]),
        ssim=mean([quality.ssim for quality in qualities]),
    )


def _comparison(
    model: Model,
    pair: Pair,
    protocol: EvaluationProtocol,
    baseline: Model | None,
    *,
    seed: int,
    device: torch.device,
) -> Comparison:
    task = model.task.bound
    require_size(protocol, pair.degraded_size(task.scale), str(pair.file))
    degraded = pair.degraded_image(task, seed=seed)
    return Comparison(
        model=model,
        baseline=baseline,
        protocol=protocol,
        degraded=as_tensor(degraded[None])[0].to(device),
        clean=as_tensor(to_float(np.asarray(pair.clean))[None])[0].to(device),
        generator=pair.generator(seed).spawn(1)[0],  # not the stream that a degradation is drawn from
    )


def _warm_up(comparison: Comparison) -> None:
    """Restore a corner in every way, so that one-off costs of a first call are in nobody's seconds."""
    scale = comparison.model.branches.scale
    height, width = (min(WARM_UP_SIDE, side) for side in comparison.degraded.shape[1:])
    corner = Comparison(
        model=comparison.model,
        baseline=comparison.baseline,
        protocol=comparison.protocol,
        degraded=comparison.degraded[:, :height, :width],
        clean=comparison.clean[:, : height * scale, : width * scale],
        generator=np.random.default_rng(0),
    )
    for _ in corner.outcomes():
        pass
