"""The model file: one ``.safetensors`` with the weights, and in its header everything to build the model again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from restoreroute.errors import InputError, UnknownNameError
from restoreroute.imaging.atomic import write_atomically
from restoreroute.plugin.catalogue import Catalogue, missing_plugin
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.cost import Cost, StepCost, measure_cost, measure_steps
from restoreroute.routing.policies import Route, at_speed
from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan, Provider, TaskPlan
from restoreroute.spec.stages import ClassModuleOptions

FORMAT = 1
HEADER_KEY = "restoreroute"
HEADER_PARTS = frozenset({"format", "task", "branches", "class_module", "patch", "stride", "providers", "summary"})


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained model with all that inference needs.

    Attributes:
        task: how images are degraded, and the scale.
        plans: family, options and width of each branch, cheapest first.
        branches: the networks.
        class_module: what routes, or None where there is one branch only.
        class_module_options: its shape, None with it.
        patch: side of the patch that the Class-Module sees in inference, in degraded pixels.
        stride: distance of two patches; ``patch - stride`` is shared between neighbours.
        speed: how much cheap branches are preferred unless the user says otherwise
            (:func:`~restoreroute.routing.policies.at_speed`); 0 is the most probable one.
        costs: of each branch for one patch.
        class_module_cost: of the Class-Module for one patch, 0 without one.
        steps: what the steps of each branch cost, chain by chain.
        providers: who offers task and families, keyed ``"<kind> <name>"``.
        summary: facts of the training, for display.
    """

    task: TaskPlan
    plans: tuple[BranchPlan, ...]
    branches: BranchBank
    class_module: ClassModule | None
    class_module_options: ClassModuleOptions | None
    patch: int
    stride: int
    speed: float
    costs: tuple[Cost, ...]
    class_module_cost: Cost
    steps: Sequence[Sequence[Sequence[StepCost]]]
    providers: Mapping[str, Provider]
    summary: Mapping[str, Any]

    def route(self, scores: NDArray[np.floating], speed: float | None = None) -> Route:
        """The branch of each patch or cell.

        Args:
            scores: (..., M) probabilities.
            speed: instead of the model's own.
        """
        return at_speed(scores, self.routed_costs, self.speed if speed is None else speed)

    @property
    def routed_costs(self) -> tuple[int, ...]:
        """Executed operations of one patch that is sent to each branch, with the Class-Module's."""
        return tuple(cost.executed + self.class_module_cost.executed for cost in self.costs)

    def to(self, device: torch.device) -> Model:
        """Move the networks, in place; channels_last everywhere."""
        for network in (self.branches, self.class_module):
            if network is not None:
                network.to(device=device)
                channels_last(network)
        return self


def channels_last(network: nn.Module) -> None:
    """The memory format in which convolutions are fastest on a CPU, in place."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def assemble(
    *,
    task: TaskPlan,
    plans: Sequence[BranchPlan],
    networks: Sequence[nn.Module],
    class_module: ClassModule | None,
    class_module_options: ClassModuleOptions | None,
    patch: int,
    stride: int,
    providers: Mapping[str, Provider],
    summary: Mapping[str, Any],
    speed: float = 0.0,
) -> Model:
    """Put a model together and measure what its parts cost."""
    shape = (1, task.bound.channels, patch, patch)
    nothing = Cost(executed=0, paper=0, parameters=0)
    splits = [plan.family.chains for plan in plans]
    return Model(
        task=task,
        plans=tuple(plans),
        branches=BranchBank(networks, scale=task.bound.scale, splits=splits).eval(),
        class_module=None if class_module is None else class_module.eval(),
        class_module_options=class_module_options,
        patch=patch,
        stride=stride,
        speed=speed,
        costs=tuple(measure_cost(network, shape) for network in networks),
        class_module_cost=nothing if class_module is None else measure_cost(class_module, shape),
        steps=[measure_steps(network, split, shape) for network, split in zip(networks, splits, strict=True)],
        providers=dict(providers),
        summary=dict(summary),
    )


def build_network(plan: BranchPlan, task: TaskPlan, *, seed: int) -> nn.Module:
    """A branch of a task with fresh weights; see :func:`fresh_network`."""
    return fresh_network(plan, scale=task.bound.scale, channels=task.bound.channels, seed=seed)


def fresh_network(plan: BranchPlan, *, scale: int, channels: int, seed: int) -> nn.Module:
    """A branch with fresh weights, drawn from a random state of their own; channels_last.

    Raises:
        InputError: if the family has no such width.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            network = plan.family.build(plan.options, width=plan.width, scale=scale, channels=channels)
        except ValueError as error:
            raise InputError(str(error), where=f"branch {plan.name}") from None
    channels_last(network)
    return network


def build_class_module(options: ClassModuleOptions, *, channels: int, branches: int, seed: int) -> ClassModule:
    """A Class-Module with fresh weights, drawn from a random state of their own; channels_last."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = ClassModule(
            channels=channels, branches=branches, width=options.width, initialisation=options.initialisation
        )
    channels_last(module)
    return module


def save_model(model: Model, path: Path) -> None:
    """Write a model file atomically.

    Raises:
        OutputError: if it can't be written.
    """
    header = {
        "format": FORMAT,
        "task": {"name": model.task.offer.name, "options": model.task.options.model_dump(mode="json")},
        "branches": [
            {"family": plan.family.name, "width": plan.width, "options": plan.options.model_dump(mode="json")}
            for plan in model.plans
        ],
        "class_module": None
        if model.class_module_options is None
        else model.class_module_options.model_dump(mode="json"),
        "patch": model.patch,
        "stride": model.stride,
        "speed": model.speed,
        "costs": {
            "unit": "operations per patch, 2 per multiply-accumulate",
            "branches": [asdict(cost) for cost in model.costs],
            "class_module": asdict(model.class_module_cost),
        },
        "providers": {name: asdict(provider) for name, provider in model.providers.items()},
        "summary": dict(model.summary),
    }
    tensors: dict[str, Tensor] = {}
    for prefix, network in (("branches", model.branches), ("class_module", model.class_module)):
        if network is not None:
            for name, tensor in network.state_dict().items():
                # cloned: a network may hold one tensor under two names, which safetensors refuses
                tensors[f"{prefix}.{name}"] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    data = save(tensors, metadata={HEADER_KEY: json.dumps(header, sort_keys=True)})
    write_atomically(path, lambda file: file.write(data))


def load_model(path: Path, catalogue: Catalogue) -> Model:
    """Read a model file; no code in it is run.

    Raises:
        InputError: if the file is missing, damaged, no model file, or of a later format.
        PluginError: if a plugin that it needs is missing.
    """
    header, tensors = _read(path)
    where = str(path)
    providers = {name: Provider(**facts) for name, facts in header["providers"].items()}

    def offer(shelf: Any, kind: str, name: str) -> Any:
        try:
            return shelf.get(name)
        except UnknownNameError:
            provider = providers.get(f"{kind} {name}", Provider(distribution="unknown", version="unknown"))
            raise missing_plugin(kind, name, provider, catalogue, where=where) from None

    task_offer = offer(catalogue.tasks, "task", header["task"]["name"])
    task_options = _options(task_offer.options, header["task"]["options"], where)
    task = TaskPlan(offer=task_offer, options=task_options, bound=task_offer.build(task_options))
    plans = []
    for facts in header["branches"]:
        family = offer(catalogue.backbones, "backbone family", facts["family"])
        plans.append(
            BranchPlan(family=family, options=_options(family.options, facts["options"], where), width=facts["width"])
        )
    networks = [build_network(plan, task, seed=0) for plan in plans]
    class_module = class_module_options = None
    if header["class_module"] is not None:
        class_module_options = _options(ClassModuleOptions, header["class_module"], where)
        class_module = build_class_module(
            class_module_options, channels=task.bound.channels, branches=len(plans), seed=0
        )
    model = assemble(
        task=task,
        plans=plans,
        networks=networks,
        class_module=class_module,
        class_module_options=class_module_options,
        patch=header["patch"],
        stride=header["stride"],
        speed=header.get("speed", 0.0),  # files of earlier versions have none
        providers=providers,
        summary=header["summary"],
    )
    whole = nn.ModuleDict({"branches": model.branches})
    if class_module is not None:
        whole["class_module"] = class_module
    try:
        whole.load_state_dict(tensors)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:3]]
        raise InputError(
            f"weights do not fit the networks that its header describes: {' '.join(lines)}",
            where=where,
            hint="install the plugin version that it was made with: "
            + ", ".join(f"{provider.distribution} {provider.version}" for provider in providers.values()),
        ) from None
    return model


def is_model_file(path: Path) -> bool:
    """Whether a file says in its header that it is a model of restoreroute, sound or not."""
    try:
        with safe_open(path, framework="pt") as file:
            return HEADER_KEY in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    where = str(path)
    if not path.is_file():
        raise InputError("no such model file", where=where, hint="a run writes model.safetensors to its folder")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(HEADER_KEY)
            if text is None:
                raise InputError("is not a model file of restoreroute", where=where, hint="a run writes one")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise InputError(f"can't be read as a model file: {error}", where=where) from None
    try:
        header: Any = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise InputError("has a damaged header", where=where, hint="copy it again")
    if header["format"] > FORMAT:
        raise InputError(
            f"has format {header['format']}, this version reads up to {FORMAT}",
            where=where,
            hint="upgrade restoreroute",
        )
    missing = HEADER_PARTS - header.keys()
    if missing:
        raise InputError(f"has a header without {', '.join(sorted(missing))}", where=where, hint="copy it again")
    return header, tensors


def _options(kind: type[Options], values: Mapping[str, Any], where: str) -> Any:
    try:
        return kind.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"option {'.'.join(map(str, first['loc']))} of {kind.__name__}: {first['msg']}",
            where=where,
            hint="it was made by another version of the plugin",
        ) from None
