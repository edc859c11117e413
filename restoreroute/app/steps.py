"""Names of the steps of a run, and the reports around each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from restoreroute.app.run_folder import RunFolder
from restoreroute.data.sub_images import Batch
from restoreroute.spec.events import Listener, StepFinished, StepReused, StepStarted, ignore
from restoreroute.spec.plan import RunPlan
from restoreroute.spec.stages import StageOptions
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import Stage, train

BatchT = TypeVar("BatchT", bound=Batch)

DATA = "data"
BASELINE = "baseline"
HARDNESS = "hardness"
DIFFICULTY = "difficulty"
POOL = "pool"
CLASS_MODULE = "class_module"
JOINT = "joint"
PREFERENCE = "preference"


def pretrain_name(branch: int) -> str:
    """Name of the pre-training stage of one branch."""
    return f"pretrain_{branch}"


def evaluation_name(protocol: str) -> str:
    """Name of the evaluation under one protocol."""
    return f"evaluate {protocol}"


def step_names(plan: RunPlan) -> tuple[str, ...]:
    """All steps of a run in order; a stage of 0 iterations is none."""
    stages = plan.stages
    pretraining = [
        (pretrain_name(number), stages.pretrain.of_branch(number).iterations)
        for number, branch in enumerate(plan.branches)
        if branch.family.learns
    ]
    routing = [
        (DIFFICULTY, plan.has_classes),
        *pretraining,
        (CLASS_MODULE, stages.class_module.iterations),
        (JOINT, stages.joint.iterations),
        (PREFERENCE, plan.routing.speed is None),
    ]
    planned = [
        (DATA, True),
        (HARDNESS, plan.data.hardness is not None),
        (BASELINE, stages.baseline.iterations),
        *(routing if plan.difficulty is not None else []),
        *((evaluation_name(protocol), True) for protocol in plan.evaluation.protocols),
    ]
    return tuple(name for name, wanted in planned if wanted)


@contextmanager
def reported(listen: Listener, name: str, detail: str = "") -> Iterator[Callable[[str], None]]:
    """Report start and end of a step; call what it gives with a closing remark."""
    remark = ""

    def finish(text: str) -> None:
        nonlocal remark
        remark = text

    listen(StepStarted(step=name, detail=detail))
    start = time.monotonic()
    yield finish
    listen(StepFinished(step=name, seconds=time.monotonic() - start, detail=remark))


class StageRunner:
    """Trains stages, each one once: a stage that was finished under the same key is only loaded.

    Attributes:
        validations: figures of every stage that was trained or loaded.
    """

    def __init__(self, folder: RunFolder, listen: Listener) -> None:
        self.folder = folder
        self.listen = listen
        self.validations: dict[str, list[dict[str, float]]] = {}

    def is_done(self, name: str, options: StageOptions, key: str) -> bool:
        """Whether a finished stage of this key is on disk."""
        found = self._file(name, key).load(listen=ignore)
        return found is not None and found.iteration >= options.total

    def run(self, stage: Stage[BatchT], key: str, detail: str) -> None:
        """Bring the stage's network to its end, by training or loading."""
        name, options = stage.name, stage.options
        if not options.total:
            return
        file = self._file(name, key)
        if self.is_done(name, options, key):
            self.validations[name] = train(stage, file=file, listen=self.listen)
            self.listen(StepReused(step=name))
            return
        with reported(self.listen, name, detail) as finish:
            figures = self.validations[name] = train(stage, file=file, listen=self.listen)
            finish(f"{figures[-1]['psnr']:.2f} dB on validation")

    def _file(self, name: str, key: str) -> CheckpointFile:
        return CheckpointFile(self.folder.checkpoint(name), key=key)
