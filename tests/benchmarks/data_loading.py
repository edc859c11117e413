"""How much of the speed of training is left when batches are really loaded.

    python tests/benchmarks/data_loading.py [ROUNDS]

Iterations per second of the baseline stage of recipes/sr_fsrcnn.yml (FSRCNN 56, batch 16, augmentation), with batches
cut from the embedded photos against the same batches held ready as tensors, in turn in one process.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch

from restoreroute.app.pipeline import SplitFiles
from restoreroute.app.plugins import open_catalogue
from restoreroute.data.pairs import PairCache
from restoreroute.data.patch_index import index_sub_images
from restoreroute.data.sub_images import Augmentation, Batch, SubImages, batches
from restoreroute.recipe.resolve import load_recipe
from restoreroute.routing.model_file import build_network
from restoreroute.spec.events import Event, TrainingProgress, ignore
from restoreroute.spec.plan import RunPlan
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import train
from restoreroute.training.stages import network_stage

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "sr_fsrcnn.yml"
ITERATIONS = 15
WARM_UP = 5


@dataclass(frozen=True)
class Comparison:
    """Iterations per second of each round."""

    loaded: list[float]
    ready: list[float]

    @property
    def ratio(self) -> float:
        """Share of the speed that is left: the median over rounds, whose two halves saw the same noise."""
        return median(loaded / ready for loaded, ready in zip(self.loaded, self.ready, strict=True))


def speed(plan: RunPlan, fetch: Callable[[int], Batch], folder: Path, iterations: int = ITERATIONS) -> float:
    """Iterations per second of a stage that starts from nothing."""
    options = plan.stages.baseline.model_copy(
        update={"iterations": iterations, "checkpoint_every": iterations, "validate_every": iterations, "warmup": 0}
    )
    rates: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, TrainingProgress):
            rates.append(event.rate)

    stage = network_stage(
        "baseline",
        build_network(plan.branches[-1], plan.task, seed=0),
        options=options,
        fetches=[fetch],
        validate=dict,
        device=torch.device("cpu"),
    )
    path = folder / "baseline.pt"
    train(stage, file=CheckpointFile(path, key="speed"), listen=listen)
    path.unlink()
    return rates[-1]


def compare(rounds: int) -> Comparison:
    """Both ways in turn, after a short warm-up of each that does not count."""
    plan = load_recipe(RECIPE, open_catalogue(), [])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pairs = PairCache(folder / "pairs", plan.task).load(
            SplitFiles.of(plan).train, clean_scales=plan.data.clean_scales, listen=ignore, step="data"
        )
        sizes = [pair.degraded_size(plan.task.bound.scale) for pair in pairs]
        index = index_sub_images(sizes, side=plan.data.sub_image, step=plan.data.step)
        loaded = batches(
            SubImages.of(pairs, index, plan.task.bound),
            chosen=np.arange(len(index)),
            batch=plan.stages.baseline.batch,
            seed=0,
            augmentation=Augmentation(turn=plan.data.augment),
        )
        kept = [loaded(iteration) for iteration in range(ITERATIONS)]
        ready = kept.__getitem__
        for fetch in (loaded, ready):
            speed(plan, fetch, folder, WARM_UP)
        seconds: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds):
            order = (0, 1) if number % 2 == 0 else (1, 0)
            for which in order:
                seconds[which].append(speed(plan, (loaded, ready)[which], folder))
        del pairs
    return Comparison(*seconds)


def main(rounds: int = 8) -> float:
    """Print a table; gives the ratio."""
    comparison = compare(rounds)
    print(f"baseline stage, {torch.get_num_threads()} threads, {rounds} rounds of {ITERATIONS} iterations in turn")
    print(f"{'batches':12} {'median it/s':>12} {'slowest':>9} {'fastest':>9}")
    for name, rates in (("loaded", comparison.loaded), ("ready", comparison.ready)):
        print(f"{name:12} {median(rates):12.2f} {min(rates):9.2f} {max(rates):9.2f}")
    print(f"median of the ratios of each round: {comparison.ratio:.3f}")
    return comparison.ratio


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
