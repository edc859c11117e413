"""From a plan to a trained model: baseline, difficulty, branches, Class-Module, joint training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from restoreroute.app.keys import branch_facts, digest, seed_for, stage_facts
from restoreroute.app.preparation import SplitFiles, data_key, prepare_data, split_by_difficulty
from restoreroute.app.run_folder import RunFolder
from restoreroute.app.steps import (
    BASELINE,
    CLASS_MODULE,
    JOINT,
    POOL,
    StageRunner,
    pretrain_name,
    reported,
)
from restoreroute.data.sub_images import Batch, SubImages, batches
from restoreroute.evaluation.validation import Validator
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.losses import RoutingLoss
from restoreroute.routing.model_file import Model, assemble, build_class_module, build_network
from restoreroute.routing.router import Router
from restoreroute.spec.events import Listener, WorkProgress
from restoreroute.spec.plan import BranchPlan, RunPlan
from restoreroute.spec.stages import StageOptions
from restoreroute.training.pool import fill_pool
from restoreroute.training.stages import class_module_stage, joint_stage, network_stage

POOL_CHUNK = 96

Positions = NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the pipeline hands to evaluation.

    Attributes:
        key: what the model and the baseline depend on.
        validations: figures of every training stage.
    """

    model: Model
    baseline: Model | None
    key: str
    validations: Mapping[str, list[dict[str, float]]]


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

    def execute(self) -> Trained:
        """Everything up to the trained model."""
        plan = self.plan
        data = data_key(plan, self.files)
        sub_images, validator = prepare_data(plan, self.files, self.folder, device=self.device, listen=self.listen)
        everything = np.arange(len(sub_images.index))

        baseline_key = digest(
            data,
            branch_facts(plan, plan.branches[-1]),
            stage_facts(plan.stages.baseline),
            seed_for(plan, BASELINE),
        )
        baseline = None
        if plan.stages.baseline.iterations:
            baseline = self._network(
                BASELINE, plan.branches[-1], plan.stages.baseline, baseline_key, sub_images, everything, validator
            )
        sub_images, difficulty = split_by_difficulty(
            plan,
            sub_images,
            self.folder,
            catalogue=self.catalogue,
            baseline=baseline,
            data_key=data,
            baseline_key=baseline_key,
            device=self.device,
            listen=self.listen,
        )
        start_key = baseline_key if plan.stages.pretrain.start == BASELINE else None
        networks, networks_key = self._branches(
            sub_images, everything, validator, baseline, digest(data, start_key), difficulty
        )
        router, router_key = self._router(networks, networks_key, sub_images, everything, validator)
        return Trained(
            model=self._assemble(plan.branches, list(router.branches), router.class_module),
            baseline=None if baseline is None else self._assemble(plan.branches[-1:], [baseline], None),
            key=digest(router_key, None if baseline is None else baseline_key),
            validations=self.stages.validations,
        )

    def _branches(
        self,
        sub_images: SubImages,
        everything: Positions,
        validator: Validator,
        baseline: nn.Module | None,
        data: str,
        difficulty: str,
    ) -> tuple[list[nn.Module], str]:
        """Pre-train each branch on its difficulty class."""
        plan, options = self.plan, self.plan.stages.pretrain
        networks, keys = [], []
        for number, branch in enumerate(plan.branches):
            name = pretrain_name(number)
            key = digest(
                data,
                difficulty if options.own_class else None,
                branch_facts(plan, branch),
                stage_facts(options),
                number,
                seed_for(plan, name),
            )
            chosen = sub_images.index.of_class(number) if options.own_class else everything
            wide = baseline if options.start == BASELINE else None
            networks.append(self._network(name, branch, options, key, sub_images, chosen, validator, wide))
            keys.append(key)
        return networks, digest(keys)

    def _network(
        self,
        name: str,
        branch: BranchPlan,
        options: StageOptions,
        key: str,
        sub_images: SubImages,
        chosen: Positions,
        validator: Validator,
        wide: nn.Module | None = None,
    ) -> nn.Module:
        """One network, trained alone, from a wider one if there is one; without parameters it is ready as it is."""
        network = build_network(branch, self.plan.task, seed=seed_for(self.plan, name)).to(self.device)
        if wide is not None and branch.family.narrow is not None:
            branch.family.narrow(wide, network)
        if any(True for _ in network.parameters()):
            stage = network_stage(
                name,
                network,
                options=options,
                fetch=self._fetch(name, options, sub_images, chosen),
                validate=lambda: validator.network(network),
                device=self.device,
            )
            self.stages.run(stage, key, branch.name)
        return network.eval()

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
            fetch=self._fetch(JOINT, stages.joint, sub_images, everything),
            validate=validate,
            device=device,
        )
        self.stages.run(together, key, "Class-Module and branches")
        return router.eval(), key

    def _fetch(
        self, name: str, options: StageOptions, sub_images: SubImages, chosen: Positions
    ) -> Callable[[int], Batch]:
        seed = seed_for(self.plan, name)
        return batches(sub_images, chosen=chosen, batch=options.batch, seed=seed, augment=self.plan.data.augment)

    def _class_module_batches(
        self, router: Router, key: str, sub_images: SubImages, everything: Positions
    ) -> Callable[[int], Batch]:
        """Batches with outputs computed once where the recipe has a pool and the stage is still to do."""
        options = self.plan.stages.class_module
        if not options.pool or not options.iterations or self.stages.is_done(CLASS_MODULE, options, key):
            return self._fetch(CLASS_MODULE, options, sub_images, everything)
        seed = seed_for(self.plan, POOL)
        with reported(self.listen, POOL) as finish:
            pool = fill_pool(
                router.branches,
                batches(sub_images, chosen=everything, batch=POOL_CHUNK, seed=seed, augment=self.plan.data.augment),
                chunks=-(-options.pool // POOL_CHUNK),
                device=self.device,
                progress=lambda done, total: self.listen(WorkProgress(step=POOL, done=done, total=total)),
            )
            finish(f"{len(pool.degraded)} sub-images")
        return pool.batches(batch=options.batch, seed=seed)

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
            patch=plan.evaluation.patch,
            stride=plan.evaluation.stride,
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
