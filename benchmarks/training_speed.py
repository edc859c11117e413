"""How much of the speed of bare forward and backward passes is left when a stage is really trained.

    python benchmarks/training_speed.py --family disp --width 32 --optimiser muon
    python benchmarks/training_speed.py --recipe recipes/sr_fsrcnn.yml
    python benchmarks/training_speed.py --device cuda --record --iterations 2000

Training is :func:`restoreroute.training.loop.train`: batches cut from the embedded photos and augmented, the update,
averaged weights, reports, and checkpoints at their usual spacing.  It is compared with forward and backward passes of
the same networks on batches that are ready as tensors, for their L1 loss, and nothing else.  Both run in turn in one
process; figures are medians over the rounds, and the ratio is the median of the ratios of each round, whose halves saw
the same noise.  Where other programs keep the processors busy, ``--clock cpu`` counts what all threads of this process
spend on a processor instead of the time that passes; OMP_WAIT_POLICY=PASSIVE then keeps waiting threads from counting.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Generic

import torch
from torch.nn import functional
from training_case import OptionsT, TrainingCase, joint_case, network_case

from restoreroute.app.plugins import open_catalogue
from restoreroute.data.sub_images import Batch
from restoreroute.recipe.resolve import load_recipe
from restoreroute.spec.events import Event, TrainingProgress
from restoreroute.training.averaging import WeightAverage
from restoreroute.training.checkpoint import Checkpoint, CheckpointFile
from restoreroute.training.loop import train
from restoreroute.training.optimisers import make_optimiser

READY = 4
"""Batches that are held ready."""

RECIPE = """\
task: {{name: super_resolution, scale: {scale}}}
backbone: {family}
branches: [{width}]
data:
  train: {{source: samples, split: train}}
  validation: {{source: samples, split: validation}}
  test: {{source: samples, split: test}}
  sub_image: {sub_image}
stages:
  baseline: {{batch: {batch}, lr: 1e-4, optimiser: {optimiser}, ema: {ema}, precision: {precision}, record: {record}}}
"""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Seconds since some moment: of the whole process, and of the thread that asks."""

    process: Callable[[], float]
    thread: Callable[[], float]


CLOCKS = {
    "wall": Clock(process=time.perf_counter, thread=time.perf_counter),
    "cpu": Clock(process=time.process_time, thread=time.thread_time),
}


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds of one iteration, and of its parts.

    Attributes:
        training: the whole iteration, with its share of a checkpoint.
        passes: forward and backward passes of the networks, alone.
        optimiser: a step of the optimiser, alone.
        averaging: an update of the averaged weights, alone; 0 where none are kept.
        checkpoint: the share of a checkpoint.
        data: making a batch while training runs.  Batches for a CPU are made in a thread beside.
        data_alone: making a batch while nothing else runs.
    """

    training: float
    passes: float
    optimiser: float
    averaging: float
    checkpoint: float
    data: float
    data_alone: float

    @property
    def ratio(self) -> float:
        """Share of the speed of the passes that is left."""
        return self.passes / self.training


class Measurement(Generic[OptionsT]):
    """Measures one case round by round.

    Args:
        case: what is trained.
        folder: where checkpoints go.
        iterations: in each round and way, rounded to a multiple of four; a fourth as many go before and do not count.
        clock: what is measured.
    """

    def __init__(self, case: TrainingCase[OptionsT], folder: Path, iterations: int, clock: Clock) -> None:
        self.case = case
        self.folder = folder
        self.clock = clock
        self.warm_up = max(1, iterations // 4)
        self.ready = [case.fetch(number).to(case.device) for number in range(READY)]

    @property
    def iterations(self) -> int:
        """That count, in each round and way."""
        return 4 * self.warm_up

    def round(self, number: int) -> Round:
        """Every way once; odd rounds in reverse order."""
        if number % 2:
            alone, passes, training = self.alone(), self.passes(), self.training()
        else:
            training, passes, alone = self.training(), self.passes(), self.alone()
        return Round(passes=passes, **training, **alone)

    def training(self) -> dict[str, float]:
        """A stage from its first update on, reported and saved every ``warm_up`` updates."""
        case, reports, data = self.case, list[float](), list[float]()
        file = TimedFile(self.folder / "stage.pt", self._now)

        def listen(event: Event) -> None:
            if isinstance(event, TrainingProgress):
                reports.append(self._now() - sum(file.seconds))

        def fetch(iteration: int) -> Batch:
            start = self.clock.thread()
            batch = case.fetch(iteration)
            data.append(self.clock.thread() - start)
            return batch

        total = self.warm_up + self.iterations
        changed = {"iterations": total, "checkpoint_every": self.warm_up, "validate_every": total, "warmup": 0}
        train(case.stage(case.options.model_copy(update=changed), fetch), file=file, listen=listen)
        file.remove()
        checkpoint = median(file.seconds) / case.options.checkpoint_every
        return {
            "training": (reports[-1] - reports[0]) / self.iterations + checkpoint,
            "checkpoint": checkpoint,
            "data": median(data),
        }

    def passes(self) -> float:
        """Forward and backward passes of each network."""
        networks = [network.train() for network in self.case.networks]

        def once(number: int) -> None:
            batch = self.ready[number % READY]
            for network in networks:
                network.zero_grad(set_to_none=True)
                functional.l1_loss(network(batch.degraded), batch.clean).backward()  # type: ignore[no-untyped-call]

        return self._seconds(once)

    def alone(self) -> dict[str, float]:
        """What else an iteration does, each part by itself."""
        case = self.case
        stage = case.stage(case.options, case.fetch)
        optimiser = make_optimiser(stage.network, case.options)
        stage.parts[0].losses(self.ready[0]).terms["total"].backward()  # type: ignore[no-untyped-call]
        average = WeightAverage(stage.network, decay=case.options.ema) if case.options.ema else None
        return {
            "optimiser": self._seconds(lambda _: optimiser.step()),
            "averaging": 0.0 if average is None else self._seconds(lambda _: average.update(stage.network)),
            "data_alone": self._seconds(case.fetch),
        }

    def _seconds(self, run: Callable[[int], object]) -> float:
        """Of one call."""
        for number in range(self.warm_up):
            run(number)
        start = self._now()
        for number in range(self.iterations):
            run(number)
        return (self._now() - start) / self.iterations

    def _now(self) -> float:
        if self.case.device.type == "cuda":
            torch.cuda.synchronize(self.case.device)
        return self.clock.process()


class TimedFile(CheckpointFile):
    """A checkpoint file that keeps the seconds of each checkpoint."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        super().__init__(path, key="speed")
        self.now = now
        self.seconds: list[float] = []

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint."""
        start = self.now()
        super().save(checkpoint)
        self.seconds.append(self.now() - start)

    def remove(self) -> None:
        """Delete both checkpoints, so that the next training starts anew."""
        self.path.unlink()
        self.previous.unlink()


def table(rounds: list[Round]) -> str:
    """Medians in milliseconds, and in percent of an iteration of training."""
    lines = [f"{'':34}{'ms':>10}{'share %':>10}"]

    def line(name: str, seconds: Callable[[Round], float]) -> None:
        share = median(seconds(each) / each.training for each in rounds)
        lines.append(f"{name:34}{1000 * median(map(seconds, rounds)):10.3f}{100 * share:10.1f}")

    line("an iteration of training", lambda each: each.training)
    line("  forward and backward passes", lambda each: each.passes)
    line("  optimiser", lambda each: each.optimiser)
    line("  averaging", lambda each: each.averaging)
    line("  checkpoints", lambda each: each.checkpoint)
    line(
        "  the rest, waiting for data too",
        lambda each: each.training - each.passes - each.optimiser - each.averaging - each.checkpoint,
    )
    line("a batch of data, during training", lambda each: each.data)
    line("a batch of data, by itself", lambda each: each.data_alone)
    ratios = sorted(each.ratio for each in rounds)
    lines.append(f"passes over training, round by round: {ratios[0]:.3f} to {ratios[-1]:.3f}")
    return "\n".join(lines)


def main() -> float:
    """Print a table; gives the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, help="measure the joint stage of a recipe; networks are then its own")
    parser.add_argument("--family", default="disp")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sub-image", type=int, default=48, help="side in degraded pixels")
    parser.add_argument("--optimiser", default="adam", choices=["adam", "adamw", "muon"])
    parser.add_argument("--ema", type=float, default=0.999, help="decay of the averaged weights, 0 for none")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--record", action="store_true", help="replay updates as a CUDA graph")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--iterations", type=int, default=8, help="in each round and way")
    parser.add_argument("--clock", default="wall", choices=list(CLOCKS))
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        recipe = arguments.recipe
        if recipe is None:
            recipe = folder / "single.yml"
            values = vars(arguments) | {"record": str(arguments.record).lower()}
            recipe.write_text(RECIPE.format(**values), encoding="utf-8")
        plan = load_recipe(recipe, open_catalogue(), [])
        prepare = joint_case if arguments.recipe else network_case
        case: TrainingCase[Any] = prepare(plan, folder, arguments.device)
        measurement = Measurement(case, folder, arguments.iterations, CLOCKS[arguments.clock])
        rounds = [measurement.round(number) for number in range(arguments.rounds)]
        side, options = plan.data.sub_image, case.options
        print(
            f"{case.name}, x{plan.task.bound.scale}, batch {options.batch} of {side} x {side}, {options.optimiser}, "
            f"ema {options.ema}, {case.device}, {torch.get_num_threads()} threads, "
            f"{len(rounds)} rounds of {measurement.iterations} iterations in turn, {arguments.clock} clock"
        )
        print(table(rounds))
    ratio = median(each.ratio for each in rounds)
    print(f"speed of training over that of the passes alone: {ratio:.3f}")
    return ratio


if __name__ == "__main__":
    main()
