"""Checkpoints in the layout of ClassSR's authors: ``classifier.*`` and ``net1.*`` (narrowest) to ``netM.*``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from restoreroute.errors import InputError
from restoreroute.routing.model_file import Model, assemble, build_class_module, build_network
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan, Provider, TaskPlan
from restoreroute.spec.stages import ClassModuleOptions

PATCH, STRIDE = 32, 28
CLASSIFIER_NAMES = {"CondNet": "features", "lastOut": "logits"}


def load_official(
    path: Path,
    *,
    task: TaskPlan,
    family: BackboneFamily,
    options: Options,
    widths: Sequence[int],
    providers: Mapping[str, Provider],
) -> Model:
    """Read a routed checkpoint of the authors; tensors only, no pickled code is run.

    Args:
        path: a ``.pth`` file.
        family: the family of all branches; it must know the authors' parameter names.
        widths: width of ``net1``, ``net2``, ...

    Raises:
        InputError: if the file is damaged or does not fit the family and widths.
    """
    where = str(path)
    rename = family.rename_official
    if rename is None:
        raise InputError(f"there are no official checkpoints of {family.name}", where=where)
    parts = _by_prefix(_read(path), where)
    expected = ["classifier", *(f"net{number + 1}" for number in range(len(widths)))]
    if sorted(parts) != sorted(expected):
        raise InputError(
            f"has the parts {', '.join(sorted(parts))}, expected {', '.join(expected)}",
            where=where,
            hint="give as many widths as it has branches",
        )
    classifier = {_classifier_name(name): tensor for name, tensor in parts["classifier"].items()}
    first = classifier.get("features.0.weight")
    if first is None or first.ndim != 4 or not first.numel():
        raise InputError("classifier has no weights of a first convolution", where=where)
    shape = ClassModuleOptions(width=len(first))
    module = build_class_module(shape, channels=task.bound.channels, branches=len(widths), seed=0)
    _fill(module, classifier, "classifier", where)
    plans = [BranchPlan(family=family, options=options, width=width) for width in widths]
    networks = [build_network(plan, task, seed=0) for plan in plans]
    for number, network in enumerate(networks):
        part = f"net{number + 1}"
        try:
            renamed = {rename(name): tensor for name, tensor in parts[part].items()}
        except KeyError as error:
            raise InputError(f"{part} has a layer {error} that {family.name} does not have", where=where) from None
        _fill(network, renamed, part, where)
    return assemble(
        task=task,
        plans=plans,
        networks=networks,
        class_module=module,
        class_module_options=shape,
        patch=PATCH,
        stride=STRIDE,
        providers=providers,
        summary={"source": path.name},
    )


def _read(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load meets damaged files with exceptions of any kind
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"can't be read as a checkpoint: {reason}", where=str(path)) from None
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()
    ):
        raise InputError("is no dictionary of tensors", where=str(path))
    return content


def _by_prefix(tensors: Mapping[str, Tensor], where: str) -> dict[str, dict[str, Tensor]]:
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if not re.fullmatch(r"classifier|net[1-9]\d*", part):
            raise InputError(f"has a tensor {name!r} that belongs to no part", where=where)
        parts.setdefault(part, {})[rest] = tensor
    return parts


def _classifier_name(name: str) -> str:
    layer, _, rest = name.partition(".")
    return f"{CLASSIFIER_NAMES.get(layer, layer)}.{rest}"


def _fill(network: torch.nn.Module, tensors: Mapping[str, Tensor], part: str, where: str) -> None:
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        reason = " ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise InputError(f"{part} does not fit: {reason}", where=where, hint="check family and widths") from None
