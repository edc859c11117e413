"""From a plan to a trained model: baseline, difficulty, branches, Class-Module, joint training; or a single network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from restoreroute.app.difficulty import DifficultySplit, split_by_difficulty
from restoreroute.app.hardness import Choice, choose_by_hardness
from restoreroute.app.keys import branch_facts, digest, seed_for, stage_facts
from restoreroute.app.models import find_model
from restoreroute.app.preference import choose_preference, with_preference
from restoreroute.app.preparation import SplitFiles, data_key, prepare_data
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.stage_batches import StageBatches
from restoreroute.app.starting_points import StartingPoints
from restoreroute.app.steps import (
    BASELINE,
    CLASS_MODULE,
    JOINT,
    POOL,
    StageRunner,
    pretrain_name,
    reported,
)
from restoreroute.app.sub_image_sizes import check_sizes
from restoreroute.data.pairs import fingerprint
from restoreroute.data.sub_images import Batch, SubImages
from restoreroute.errors import InputError
from restoreroute.evaluation.validation import Validator
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.cost import measure_cost
from restoreroute.routing.losses import RoutingLoss
from restoreroute.routing.model_file import Model, assemble, build_class_module, build_network
from restoreroute.routing.router import Router
from restoreroute.routing.trained_networks import read_networks
from restoreroute.spec.events import Listener, Notice, WorkProgress
from restoreroute.spec.plan import BranchPlan, RunPlan
from restoreroute.spec.results import Preference
from restoreroute.spec.stages import NetworkStage, PretrainStage
from restoreroute.training.pool import fill_pool
from restoreroute.training.precision import missing_bfloat16
from restoreroute.training.reparameterise import collapsed_state, expanded
from restoreroute.training.stages import Teacher, class_module_stage, joint_stage, network_stage

POOL_CHUNK = 96

Positions = NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the pipeline hands to evaluation.

    Attributes:
        baseline: the full network trained alone beside a routed model; None without one, and for a single network.
        difficulty: the classes of the training data; None where nothing asks for them.
        key: what the networks of the model and the baseline depend on.
        validations: figures of every training stage.
        preference: how the model's preference for cheap branches was chosen, None where it was not.
    """

    model: Model
    baseline: Model | None
    difficulty: DifficultySplit | None
    key: str
    validations: Mapping[str, list[dict[str, float]]]
    preference: Preference | None


class Pipeline:
    """The training of one run.  Each step reuses what an earlier run left if nothing it depends on changed."""

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
        self.stages = StageRunner(folder, listen)
        self.batches = StageBatches(plan=plan)

    def execute(self) -> Trained:
        """Everything up to the trained model."""
        plan = self.plan
        self._require_cheapest_first()
        if text := missing_bfloat16(self.device, plan.stages):
            self.listen(Notice(text=text))
        starts = StartingPoints(
            plan,
            lambda path: read_networks(path, self.catalogue, untold_scale=plan.task.bound.scale),
            lambda named: find_model(named, self.catalogue).model,
        )
        data = data_key(plan, self.files)
        sub_images, validator = prepare_data(plan, self.files, self.folder, device=self.device, listen=self.listen)
        everything = np.arange(len(sub_images.index))
        alone = choose_by_hardness(
            plan,
            sub_images,
            self.folder,
            catalogue=self.catalogue,
            data_key=data,
            device=self.device,
            listen=self.listen,
        )
        check_sizes(plan, sub_images, alone.positions, listen=self.listen)

        full, options = plan.branches[-1], plan.stages.baseline
        baseline_key = digest(
            data,
            alone.key,
            branch_facts(plan, full),
            starts.facts(full),
            stage_facts(options),
            seed_for(plan, BASELINE),
        )
        baseline = None
        if plan.has_baseline:
            baseline = build_network(full, plan.task, seed=seed_for(plan, BASELINE)).to(self.device)
            source = starts.fill(baseline, full, None)
            detail = f"{full.name}, {source}"
            self._train(BASELINE, baseline, options, sub_images, alone.positions, validator, baseline_key, detail)
        if plan.difficulty is None:
            return self._single(baseline, baseline_key)
        difficulty = None
        if plan.has_classes:
            difficulty = split_by_difficulty(
                plan,
                plan.difficulty,
                sub_images,
                self.folder,
                catalogue=self.catalogue,
                baseline=baseline,
                data_key=data,
                baseline_key=baseline_key,
                device=self.device,
                listen=self.listen,
            )
            sub_images = difficulty.sub_images
        networks, networks_key = self._branches(
            starts, sub_images, alone, validator, baseline, baseline_key, data, difficulty
        )
        router, router_key = self._router(networks, networks_key, sub_images, everything, validator)
        model = self._assemble(plan.branches, list(router.branches), router.class_module)
        preference = choose_preference(
            plan,
            model,
            validator.images,
            self.folder,
            key=digest(router_key, fingerprint(self.files.validation)),
            listen=self.listen,
        )
        return Trained(
            model=with_preference(model, preference),
            baseline=None if baseline is None else self._assemble(plan.branches[-1:], [baseline], None),
            difficulty=difficulty,
            key=digest(router_key, None if baseline is None else baseline_key),
            validations=self.stages.validations,
            preference=preference,
        )

    def _single(self, network: nn.Module | None, key: str) -> Trained:
        """The one network of a recipe that routes nothing.

        Raises:
            ValueError: if it is neither trained nor comes from a file, which no checked recipe asks for.
        """
        if network is None:
            raise ValueError("a single network has to be trained or to start from a file")
        model = self._assemble(self.plan.branches, [network], None)
        return Trained(
            model=model,
            baseline=None,
            difficulty=None,
            key=key,
            validations=self.stages.validations,
            preference=None,
        )

    def _branches(
        self,
        starts: StartingPoints,
        sub_images: SubImages,
        alone: Choice,
        validator: Validator,
        baseline: nn.Module | None,
        baseline_key: str,
        data: str,
        difficulty: DifficultySplit | None,
    ) -> tuple[list[nn.Module], str]:
        """Pre-train each branch on its difficulty class or on all; one without parameters is ready as it is."""
        plan, stage = self.plan, self.plan.stages.pretrain
        wide = None if baseline is None or stage.start != BASELINE else (plan.branches[-1], baseline)
        teacher = baseline if stage.distil else None
        needs_baseline = wide is not None or teacher is not None
        networks, keys = [], []
        for number, branch in enumerate(plan.branches):
            name, options = pretrain_name(number), stage.of_branch(number)
            own_class = options.own_class and options.iterations  # what is not trained may have an empty class
            key = digest(
                [data, baseline_key] if needs_baseline else data,
                difficulty.key if own_class and difficulty is not None else alone.key,
                branch_facts(plan, branch),
                starts.facts(branch),
                stage_facts(options),
                number,
                seed_for(plan, name),
            )
            keys.append(key)
            network = build_network(branch, plan.task, seed=seed_for(plan, name)).to(self.device)
            networks.append(network)
            if branch.family.learns:
                source = starts.fill(network, branch, wide)
                chosen = sub_images.index.of_class(number) if own_class else alone.positions
                detail = f"{branch.name}, {source}"
                self._train(name, network, options, sub_images, chosen, validator, key, detail, teacher)
        return networks, digest(keys)

    def _train(
        self,
        name: str,
        network: nn.Module,
        options: NetworkStage,
        sub_images: SubImages,
        chosen: Positions,
        validator: Validator,
        key: str,
        detail: str,
        teacher: nn.Module | None = None,
    ) -> None:
        """One network alone."""
        distil = options.distil if isinstance(options, PretrainStage) else 0.0
        wider = options.reparameterise and options.total
        trained = expanded(network, torch.Generator().manual_seed(seed_for(self.plan, name))) if wider else network
        stage = network_stage(
            name,
            trained,
            options=options,
            fetches=self.batches.of_parts(name, options, sub_images, chosen),
            ahead=sub_images.ahead,
            validate=lambda: validator.network(trained),
            device=self.device,
            teacher=None if teacher is None else Teacher(network=teacher, share=distil),
        )
        self.stages.run(stage, key, detail)
        if wider:
            network.load_state_dict(collapsed_state(trained))
        network.eval()

    def _require_cheapest_first(self) -> None:
        """Costs are known once networks are built, so this is no matter of the recipe's form.

        Raises:
            InputError: if a branch costs no more than the one before it.
        """
        plan, side = self.plan, self.plan.routing.patch
        shape = (1, plan.task.bound.channels, side, side)
        costs = [measure_cost(build_network(branch, plan.task, seed=0), shape).executed for branch in plan.branches]
        for number in range(1, len(costs)):
            if costs[number] <= costs[number - 1]:
                cheap, dear = plan.branches[number], plan.branches[number - 1]
                raise InputError(
                    f"{cheap.name} executes {costs[number] / 1e6:.2f} M operations per patch, "
                    f"{dear.name} before it {costs[number - 1] / 1e6:.2f} M",
                    where="branches",
                    hint="list branches cheapest first",
                )

    def _router(
        self,
        networks: Sequence[nn.Module],
        networks_key: str,
        sub_images: SubImages,
        everything: Positions,
        validator: Validator,
    ) -> tuple[Router, str]:
        """Train the Class-Module with the branches frozen, then everything together."""
        plan, stages, device = self.plan, self.plan.stages, self.device
        module = build_class_module(
            plan.class_module,
            channels=plan.task.bound.channels,
            branches=len(networks),
            seed=seed_for(plan, CLASS_MODULE),
        ).to(device)
        router = Router(class_module=module, branches=BranchBank(networks, scale=plan.task.bound.scale))
        loss = RoutingLoss.from_options(plan.losses)
        losses = plan.losses.model_dump(mode="json", by_alias=True)

        def validate() -> Mapping[str, float]:
            return validator.router(router)

        key = digest(networks_key, plan.class_module.model_dump(mode="json"), seed_for(plan, CLASS_MODULE))
        key = digest(key, losses, stage_facts(stages.class_module))
        decide = class_module_stage(
            CLASS_MODULE,
            router,
            options=stages.class_module,
            loss=loss,
            fetch=self._class_module_batches(router, key, sub_images, everything),
            ahead=sub_images.ahead,
            validate=validate,
            device=device,
        )
        self.stages.run(decide, key, _width(module))

        key = digest(key, losses, stage_facts(stages.joint))
        together = joint_stage(
            JOINT,
            router,
            options=stages.joint,
            loss=loss,
            fetch=self.batches.of(JOINT, stages.joint.batch, sub_images, everything),
            ahead=sub_images.ahead,
            validate=validate,
            device=device,
        )
        self.stages.run(together, key, "Class-Module and branches")
        return router.eval(), key

    def _class_module_batches(
        self, router: Router, key: str, sub_images: SubImages, everything: Positions
    ) -> Callable[[int], Batch]:
        """Batches with outputs computed once where the recipe has a pool and the stage is still to do."""
        options = self.plan.stages.class_module
        if not options.pool or not options.iterations or self.stages.is_done(CLASS_MODULE, options, key):
            return self.batches.of(CLASS_MODULE, options.batch, sub_images, everything)
        with reported(self.listen, POOL) as finish:
            pool = fill_pool(
                router.branches,
                self.batches.of(POOL, POOL_CHUNK, sub_images, everything),
                chunks=-(-options.pool // POOL_CHUNK),
                device=self.device,
                progress=lambda done, total: self.listen(WorkProgress(step=POOL, done=done, total=total)),
            )
            finish(f"{len(pool.degraded)} sub-images")
        return pool.batches(batch=options.batch, seed=seed_for(self.plan, POOL))

    def _assemble(
        self, branches: Sequence[BranchPlan], networks: Sequence[nn.Module], class_module: ClassModule | None
    ) -> Model:
        plan = self.plan
        return assemble(
            task=plan.task,
            plans=branches,
            networks=networks,
            class_module=class_module,
            class_module_options=None if class_module is None else plan.class_module,
            patch=plan.routing.patch,
            stride=plan.routing.stride,
            speed=plan.routing.speed or 0.0,
            providers=plan.providers,
            summary=self._summary(),
        )

    def _summary(self) -> dict[str, Any]:
        last = {stage: figures[-1] for stage, figures in self.stages.validations.items() if figures}
        return {
            "run": self.plan.name,
            "seed": self.plan.seed,
            "recipe": digest(self.plan.recipe),
            "validation": last,
        }


def _width(module: ClassModule) -> str:
    return f"Class-Module of width {module.width}"
