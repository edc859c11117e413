"""The training steps of a run, each done once and kept: data, baseline, difficulty, branches, Class-Module, joint."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from restoreroute.app.keys import branch_facts, digest, offer_facts, seed_for, stage_facts
from restoreroute.app.references import RunReferences
from restoreroute.app.run_folder import RunFolder
from restoreroute.data.pairs import Pair, PairCache, fingerprint
from restoreroute.data.patch_index import PatchIndex, index_sub_images
from restoreroute.data.sub_images import Batch, SubImages, batches
from restoreroute.evaluation.validation import Validator
from restoreroute.imaging.atomic import write_atomically
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.losses import RoutingLoss
from restoreroute.routing.model_file import Model, assemble, build_class_module, build_network
from restoreroute.routing.router import Router
from restoreroute.spec.events import Listener, Notice, StepFinished, StepReused, StepStarted, WorkProgress
from restoreroute.spec.plan import BranchPlan, RunPlan, SourcePlan
from restoreroute.spec.stages import StageOptions
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import Stage, train
from restoreroute.training.pool import fill_pool
from restoreroute.training.stages import class_module_stage, joint_stage, network_stage

BatchT = TypeVar("BatchT", bound=Batch)

SCORING_BATCH = 96
POOL_CHUNK = 96

BASELINE = "baseline"
DIFFICULTY = "difficulty"
CLASS_MODULE = "class_module"
JOINT = "joint"


def pretrain_name(branch: int) -> str:
    """Name of the pre-training stage of one branch."""
    return f"pretrain_{branch}"


def step_names(plan: RunPlan) -> tuple[str, ...]:
    """All steps of a run in order."""
    branches = tuple(pretrain_name(branch) for branch in range(len(plan.branches)))
    evaluation = tuple(f"evaluate {protocol}" for protocol in plan.evaluation.protocols)
    return ("data", BASELINE, DIFFICULTY, *branches, CLASS_MODULE, JOINT, *evaluation)


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """Clean images of each split."""

    train: Sequence[Path]
    validation: Sequence[Path]
    test: Sequence[Path]

    @classmethod
    def of(cls, plan: RunPlan) -> SplitFiles:
        """List the images of a plan's sources.

        Raises:
            InputError: where a source has none.
        """

        def files(source: SourcePlan) -> Sequence[Path]:
            return source.offer.build(source.options)

        data = plan.data
        return cls(train=files(data.train), validation=files(data.validation), test=files(data.test))


class Pipeline:
    """The training steps of one run.  Each one reuses what an earlier run left if nothing it depends on changed."""

    def __init__(
        self,
        plan: RunPlan,
        files: SplitFiles,
        *,
        folder: RunFolder,
        catalogue: Catalogue,
        device: torch.device,
        listen: Listener,
    ) -> None:
        self.plan = plan
        self.files = files
        self.folder = folder
        self.catalogue = catalogue
        self.device = device
        self.listen = listen
        self.validations: dict[str, list[dict[str, float]]] = {}

    def execute(self) -> Trained:
        """Everything up to the trained model."""
        plan = self.plan
        sub_images, validator = self._data()
        everything = np.arange(len(sub_images.index))
        data_key = self._data_key()

        baseline_plan = plan.branches[-1]
        baseline_key = digest(
            data_key,
            branch_facts(plan, baseline_plan),
            stage_facts(plan.stages.baseline),
            seed_for(plan, BASELINE),
        )
        baseline = None
        if plan.stages.baseline.iterations:
            baseline = self._train_network(
                BASELINE, baseline_plan, plan.stages.baseline, baseline_key, sub_images, everything, validator
            )

        index, difficulty_key = self._difficulty(sub_images, baseline, data_key, baseline_key)
        sub_images = SubImages(pairs=sub_images.pairs, index=index, task=sub_images.task)

        options = plan.stages.pretrain
        networks, keys = [], []
        for number, branch in enumerate(plan.branches):
            name = pretrain_name(number)
            chosen = index.of_class(number) if options.own_class else everything
            key = digest(
                data_key,
                difficulty_key if options.own_class else None,
                branch_facts(plan, branch),
                stage_facts(options),
                number,
                seed_for(plan, name),
            )
            networks.append(self._train_network(name, branch, options, key, sub_images, chosen, validator))
            keys.append(key)

        router, joint_key = self._train_router(networks, keys, sub_images, everything, validator)
        model = assemble(
            task=plan.task,
            plans=plan.branches,
            networks=list(router.branches),
            class_module=router.class_module,
            class_module_options=plan.class_module,
            patch=plan.data.sub_image,
            stride=plan.evaluation.stride,
            providers=plan.providers,
            summary=self._summary(),
        )
        return Trained(
            model=model,
            baseline=baseline,
            key=digest(joint_key, baseline_key if baseline is not None else None),
            validations=self.validations,
        )

    def baseline_model(self, baseline: nn.Module) -> Model:
        """The baseline as a model of one branch."""
        plan = self.plan
        return assemble(
            task=plan.task,
            plans=plan.branches[-1:],
            networks=[baseline],
            class_module=None,
            class_module_options=None,
            patch=plan.data.sub_image,
            stride=plan.evaluation.stride,
            providers=plan.providers,
            summary=self._summary(),
        )

    def _summary(self) -> dict[str, Any]:
        last = {stage: figures[-1] for stage, figures in self.validations.items() if figures}
        return {
            "run": self.plan.name,
            "seed": self.plan.seed,
            "recipe": digest(self.plan.recipe),
            "validation": last,
        }

    def _data_key(self) -> str:
        plan = self.plan
        task = plan.task
        return digest(
            offer_facts(plan, task.offer.kind, task.offer.name, task.options),
            fingerprint(self.files.train),
            [plan.data.sub_image, plan.data.step, plan.data.clean_scales, plan.data.augment],
        )

    def _data(self) -> tuple[SubImages, Validator]:
        plan, data, bound = self.plan, self.plan.data, self.plan.task.bound
        with self._step("data") as finish:
            cache = PairCache(self.folder.pair_cache, plan.task)
            pairs = cache.load(self.files.train, clean_scales=data.clean_scales, listen=self.listen, step="data")
            held_out = cache.load(self.files.validation, clean_scales=(1.0,), listen=self.listen, step="data")
            sizes = [pair.degraded_size(bound.scale) for pair in pairs]
            index = index_sub_images(sizes, side=data.sub_image, step=data.step)
            self._mention_small(pairs, sizes)
            validator = Validator(
                held_out, bound, patch=data.sub_image, stride=plan.evaluation.stride, device=self.device
            )
            finish(f"{len(index)} sub-images of {len(self.files.train)} photos")
        return SubImages(pairs=pairs, index=index, task=bound), validator

    def _mention_small(self, pairs: Sequence[Pair], sizes: Sequence[tuple[int, int]]) -> None:
        small = sorted(
            {pair.file.name for pair, size in zip(pairs, sizes, strict=True) if min(size) < self.plan.data.sub_image}
        )
        if small:
            side = self.plan.data.sub_image * self.plan.task.bound.scale
            self.listen(Notice(text=f"left out, smaller than one sub-image of {side} x {side}: {_some(small)}"))

    def _difficulty(
        self, sub_images: SubImages, baseline: nn.Module | None, data_key: str, baseline_key: str
    ) -> tuple[PatchIndex, str]:
        plan = self.plan
        references = RunReferences(plan.task.bound, self.catalogue, baseline, self.device)
        score = plan.difficulty.offer.build(plan.difficulty.options, references)
        key = digest(
            data_key,
            offer_facts(plan, plan.difficulty.offer.kind, plan.difficulty.offer.name, plan.difficulty.options),
            baseline_key if references.uses_baseline else None,
            fingerprint(references.files),
        )
        index = sub_images.index
        scores = _load_scores(self.folder.scores, key)
        if scores is not None:
            self.listen(StepReused(step=DIFFICULTY))
        else:
            with self._step(DIFFICULTY, plan.difficulty.offer.name) as finish:
                parts: list[NDArray[np.float64]] = []
                for start in range(0, len(index), SCORING_BATCH):
                    positions = np.arange(start, min(start + SCORING_BATCH, len(index)))
                    generator = np.random.default_rng([seed_for(plan, DIFFICULTY), start])
                    parts.append(score(*sub_images.read(positions, generator)))
                    self.listen(WorkProgress(step=DIFFICULTY, done=int(positions[-1]) + 1, total=len(index)))
                scores = np.concatenate(parts)
                _save_scores(self.folder.scores, key, scores)
                edges = np.quantile(-scores, np.linspace(0, 1, len(plan.branches) + 1)[1:-1])
                finish("split at " + ", ".join(f"{edge:.1f}" for edge in edges[::-1]))
        return index.split(scores, len(plan.branches)), digest(key, len(plan.branches))

    def _train_network(
        self,
        name: str,
        branch: BranchPlan,
        options: StageOptions,
        key: str,
        sub_images: SubImages,
        chosen: NDArray[np.integer],
        validator: Validator,
    ) -> nn.Module:
        seed = seed_for(self.plan, name)
        network = build_network(branch, self.plan.task, seed=seed).to(self.device)
        if not any(True for _ in network.parameters()):
            return network.eval()
        stage = network_stage(
            name,
            network,
            options=options,
            fetch=batches(sub_images, chosen=chosen, batch=options.batch, seed=seed, augment=self.plan.data.augment),
            validate=lambda: validator.network(network),
            device=self.device,
        )
        self._train(stage, key, branch.name)
        return network.eval()

    def _train_router(
        self,
        networks: Sequence[nn.Module],
        keys: Sequence[str],
        sub_images: SubImages,
        everything: NDArray[np.integer],
        validator: Validator,
    ) -> tuple[Router, str]:
        plan, stages = self.plan, self.plan.stages
        module = build_class_module(
            plan.class_module,
            channels=plan.task.bound.channels,
            branches=len(networks),
            seed=seed_for(plan, CLASS_MODULE),
        ).to(self.device)
        router = Router(class_module=module, branches=BranchBank(networks, scale=plan.task.bound.scale))
        loss = RoutingLoss.from_options(plan.losses)
        losses_facts = plan.losses.model_dump(mode="json", by_alias=True)

        def fetch(name: str, options: StageOptions) -> Callable[[int], Batch]:
            seed = seed_for(plan, name)
            return batches(sub_images, chosen=everything, batch=options.batch, seed=seed, augment=plan.data.augment)

        key = digest(
            list(keys),
            plan.class_module.model_dump(mode="json"),
            losses_facts,
            stage_facts(stages.class_module),
            seed_for(plan, CLASS_MODULE),
        )
        source = fetch(CLASS_MODULE, stages.class_module)
        if stages.class_module.pool:
            source = self._pooled(router, sub_images, everything, key)
        stage = class_module_stage(
            CLASS_MODULE,
            router,
            options=stages.class_module,
            loss=loss,
            fetch=source,
            validate=lambda: validator.router(router),
            device=self.device,
        )
        self._train(stage, key, f"width {plan.class_module.width}")

        key = digest(key, losses_facts, stage_facts(stages.joint), seed_for(plan, JOINT))
        stage = joint_stage(
            JOINT,
            router,
            options=stages.joint,
            loss=loss,
            fetch=fetch(JOINT, stages.joint),
            validate=lambda: validator.router(router),
            device=self.device,
        )
        self._train(stage, key, "Class-Module and branches")
        return router.eval(), key

    def _pooled(
        self, router: Router, sub_images: SubImages, everything: NDArray[np.integer], key: str
    ) -> Callable[[int], Batch]:
        """Batches from outputs computed once; nothing is computed where the stage is done already."""
        options = self.plan.stages.class_module
        seed = seed_for(self.plan, "pool")
        if self._is_done(CLASS_MODULE, options, key):
            return batches(sub_images, chosen=everything, batch=options.batch, seed=seed, augment=False)
        with self._step("pool") as finish:
            pool = fill_pool(
                router.branches,
                batches(sub_images, chosen=everything, batch=POOL_CHUNK, seed=seed, augment=True),
                chunks=-(-options.pool // POOL_CHUNK),
                device=self.device,
                progress=lambda done, total: self.listen(WorkProgress(step="pool", done=done, total=total)),
            )
            finish(f"{len(pool.degraded)} sub-images")
        return pool.batches(batch=options.batch, seed=seed)

    def _is_done(self, name: str, options: StageOptions, key: str) -> bool:
        found = CheckpointFile(self.folder.checkpoint(name), key=key).load(listen=self.listen)
        return found is not None and found.iteration >= options.iterations

    def _train(self, stage: Stage[BatchT], key: str, detail: str) -> None:
        file = CheckpointFile(self.folder.checkpoint(stage.name), key=key)
        if self._is_done(stage.name, stage.options, key):
            self.validations[stage.name] = train(stage, file=file, listen=self.listen)
            self.listen(StepReused(step=stage.name))
            return
        with self._step(stage.name, detail) as finish:
            validations = train(stage, file=file, listen=self.listen)
            self.validations[stage.name] = validations
            finish(f"{validations[-1]['psnr']:.2f} dB on validation" if validations else "")

    @contextmanager
    def _step(self, name: str, detail: str = "") -> Iterator[Callable[[str], None]]:
        """Report start and end of a step; call what it gives with a closing remark."""
        remark = ""

        def finish(text: str) -> None:
            nonlocal remark
            remark = text

        self.listen(StepStarted(step=name, detail=detail))
        start = time.monotonic()
        yield finish
        self.listen(StepFinished(step=name, seconds=time.monotonic() - start, detail=remark))


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the pipeline hands to evaluation."""

    model: Model
    baseline: nn.Module | None
    key: str
    validations: Mapping[str, list[dict[str, float]]]


def _some(names: Sequence[str], most: int = 3) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _save_scores(path: Path, key: str, scores: NDArray[np.float64]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), scores=scores)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _load_scores(path: Path, key: str) -> NDArray[np.float64] | None:
    """Scores saved under the same key; None where they are missing, damaged or of another key."""
    try:
        with np.load(path, allow_pickle=False) as content:
            if str(content["key"]) != key:
                return None
            scores: NDArray[np.float64] = content["scores"]
            return scores
    except (OSError, ValueError, KeyError):
        return None
