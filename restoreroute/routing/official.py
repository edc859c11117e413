"""Checkpoints of ClassSR's authors: what they hold is recognised from the tensors, as each family declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.checkpoint_layout import CLASSIFIER, Tensors, read_parts
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.misfit import MOST_GROUPS, compare, grouped
from restoreroute.routing.model_file import build_class_module
from restoreroute.routing.recognition import DEFAULT_SCALE, Found, NotFound, fill, find_network
from restoreroute.spec.backbone import BackboneFamily, OfficialLayout
from restoreroute.spec.plan import BranchPlan
from restoreroute.spec.stages import ClassModuleOptions

OUR_LAYERS = {"CondNet": "features", "lastOut": "logits"}
THEIR_LAYERS = {ours: theirs for theirs, ours in OUR_LAYERS.items()}
FIRST_CONVOLUTION = "CondNet.0.weight"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The networks of a checkpoint.

    Attributes:
        family: of all branches.
        scale: of all branches.
        scale_told: whether the tensors tell the scale; else it is the one that was asked for or assumed.
        channels: colour channels that the networks take and give.
        branches: width and options of each branch, and its network; narrowest first.
        class_module: what routes, or None in the checkpoint of one network.
        class_module_options: its shape, None with it.
    """

    family: BackboneFamily
    scale: int
    scale_told: bool
    channels: int
    branches: tuple[tuple[BranchPlan, nn.Module], ...]
    class_module: ClassModule | None
    class_module_options: ClassModuleOptions | None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """All branches of a checkpoint, taken for networks of one family.

    Attributes:
        branches: what was found, by the name of the part.
    """

    family: BackboneFamily
    branches: Mapping[str, Found | NotFound]

    @property
    def found(self) -> Mapping[str, Found]:
        return {part: branch for part, branch in self.branches.items() if isinstance(branch, Found)}

    @property
    def wrong(self) -> Mapping[str, NotFound]:
        return {part: branch for part, branch in self.branches.items() if isinstance(branch, NotFound)}

    @property
    def distance(self) -> tuple[int, int, int]:
        """Names tell more of a family than shapes do, and a network to compare with more than that there is none."""
        wrong = self.wrong.values()
        return (
            sum(branch.unknown for branch in wrong),
            sum(branch.misfit.reason is not None for branch in wrong),
            sum(branch.misfit.size for branch in wrong),
        )


def read_checkpoint(
    path: Path,
    catalogue: Catalogue,
    *,
    family: str | None = None,
    scale: int | None = None,
    untold_scale: int = DEFAULT_SCALE,
    options: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Read the networks of a ``.pth`` or ``.safetensors`` file; tensors only, no pickled code is run.

    Args:
        path: a routed checkpoint, or one of a single network, in a layout that an active family declares.
        catalogue: the families to choose from.
        family: the only one to consider.
        scale: that the networks have to be of; any, if None.
        untold_scale: of networks whose tensors do not tell their scale, if ``scale`` is None.
        options: of the family, over what the tensors tell.

    Raises:
        InputError: if the file is damaged or fits no family.
        UnknownNameError: if there is no such family.
    """
    where = str(path)
    candidates = _candidates(catalogue, family, where)
    parts = read_parts(path)
    try:
        attempts = [
            Attempt(
                family=candidate,
                branches={
                    part: find_network(
                        tensors, candidate, layout, scale=scale, untold_scale=untold_scale, options=options or {}
                    )
                    for part, tensors in parts.branches.items()
                },
            )
            for candidate, layout in candidates
        ]
        found = _only_fitting(attempts, parts.branches, named=family is not None)
        _require_same("scale", {part: branch.scale for part, branch in found.items()})
        _require_same("colour channels", {part: branch.told.channels for part, branch in found.items()})
        first, *_ = found.values()
        class_module = class_module_options = None
        if parts.classifier is not None:
            class_module_options, class_module = _class_module(parts.classifier, first.told.channels, len(found))
    except InputError as error:
        raise InputError(error.what, where=where, hint=error.hint) from None
    return Checkpoint(
        family=first.plan.family,
        scale=first.scale,
        scale_told=first.told.scale is not None,
        channels=first.told.channels,
        branches=tuple((branch.plan, branch.network) for branch in found.values()),
        class_module=class_module,
        class_module_options=class_module_options,
    )


def _candidates(catalogue: Catalogue, name: str | None, where: str) -> list[tuple[BackboneFamily, OfficialLayout]]:
    known = [(family, family.official) for family in catalogue.backbones if family.official is not None]
    if name is not None:
        catalogue.backbones.get(name, where=where)
    chosen = [(family, layout) for family, layout in known if name in (None, family.name)]
    if not chosen:
        of = "any family" if name is None else name
        listed = ", ".join(family.name for family, _ in known)
        hint = f"there are of {listed}" if listed else catalogue.remark
        raise InputError(f"there are no official checkpoints of {of}", where=where, hint=hint)
    return chosen


def _only_fitting(attempts: Sequence[Attempt], parts: Mapping[str, Tensors], *, named: bool) -> Mapping[str, Found]:
    """The branches as networks of the one family that all of them fit."""
    fitting = [attempt for attempt in attempts if not attempt.wrong]
    if len(fitting) == 1:
        return fitting[0].found
    if fitting:
        raise InputError(
            f"fits {' and '.join(attempt.family.name for attempt in fitting)} alike", hint="name the family"
        )
    own = {part: attempt.family.name for attempt in attempts for part in attempt.found}
    if own.keys() == parts.keys():
        listed = ", ".join(f"{part} is of {own[part]}" for part in parts)
        raise InputError(listed, hint="all branches have to be of one family")
    closest = min(attempts, key=lambda attempt: attempt.distance)
    part, wrong = next(iter(closest.wrong.items()))
    if len(wrong.misfit.unknown) == len(parts[part]):
        names = ", ".join(attempt.family.name for attempt in attempts)
        raise InputError(
            f"{part or 'it'} has none of the layers of {names}, but "
            + "; ".join(grouped(wrong.misfit.unknown)[:MOST_GROUPS])
        )
    subject = f"{part} does not fit" if part else "does not fit"
    relation = "" if named else "the closest family, "
    raise InputError(f"{subject} {relation}{closest.family.name}: {wrong.misfit}")


def _require_same(what: str, values: Mapping[str, int]) -> None:
    first, *others = values.items()
    for part, value in others:
        if value != first[1]:
            raise InputError(f"{first[0]} has {what} {first[1]}, {part} has {value}")


def _class_module(tensors: Tensors, channels: int, branches: int) -> tuple[ClassModuleOptions, ClassModule]:
    first = tensors.get(FIRST_CONVOLUTION)
    if first is None or not first.ndim or not len(first):
        raise InputError(f"{CLASSIFIER} does not fit: {FIRST_CONVOLUTION} is missing or empty")
    options = ClassModuleOptions(width=len(first))
    module = build_class_module(options, channels=channels, branches=branches, seed=0)
    ours, misfit = compare(
        tensors,
        module.state_dict(),
        rename=lambda name: _with_layer(name, OUR_LAYERS),
        original=lambda name: _with_layer(name, THEIR_LAYERS),
    )
    if misfit:
        raise InputError(f"{CLASSIFIER} does not fit: {misfit}")
    fill(module, ours)
    return options, module


def _with_layer(name: str, layers: Mapping[str, str]) -> str:
    layer, _, rest = name.partition(".")
    return f"{layers[layer]}.{rest}"
