"""What network the tensors of one branch are, by what a family says of its published checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from torch import Tensor, nn

from restoreroute.errors import InputError, nearest
from restoreroute.routing.misfit import Misfit, compare, unknown_to
from restoreroute.routing.model_file import fresh_network
from restoreroute.spec.backbone import BackboneFamily, OfficialLayout, Recognised
from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan

DEFAULT_SCALE = 4


@dataclass(frozen=True, kw_only=True)
class Found:
    """A network that all tensors fit.

    Attributes:
        told: what the tensors told.
        plan: family, options and width.
        scale: that it is for.
        network: with the tensors in it.
    """

    told: Recognised
    plan: BranchPlan
    scale: int
    network: nn.Module


@dataclass(frozen=True, kw_only=True)
class NotFound:
    """Why the tensors are no network of a family.

    Attributes:
        misfit: what does not fit.
        unknown: how many tensors have names that the family does not know.
    """

    misfit: Misfit
    unknown: int


def find_network(
    tensors: Mapping[str, Tensor],
    family: BackboneFamily,
    layout: OfficialLayout,
    *,
    scale: int | None,
    untold_scale: int,
    options: Mapping[str, Any],
) -> Found | NotFound:
    """Build the network that the tensors tell of, and fill it if every tensor has its place.

    Args:
        tensors: of one branch, by the names of the checkpoint.
        family: whose network it might be.
        layout: the family's.
        scale: that the network has to be of; any, if None.
        untold_scale: of a network whose tensors do not tell its scale, if ``scale`` is None.
        options: of the family, over what the tensors tell.

    Raises:
        InputError: if the tensors fit and yet can't be copied.
    """
    unknown = unknown_to(layout.rename, tensors)
    told = layout.recognise({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    if told is None:
        misfit = Misfit(unknown=unknown, reason=None if unknown else "nothing tells its width")
        return NotFound(misfit=misfit, unknown=len(unknown))
    try:
        made_for = _scale(family, told, scale, untold_scale)
        plan = BranchPlan(family=family, options=_options(family, {**told.options, **options}), width=told.width)
        network = fresh_network(plan, scale=made_for, channels=told.channels, seed=0)
    except InputError as error:
        reason = f"{error.what} ({error.hint})" if error.hint else error.what
        return NotFound(misfit=Misfit(reason=reason), unknown=len(unknown))
    ours, misfit = compare(
        tensors,
        network.state_dict(),
        rename=layout.rename,
        original=layout.original,
        constants=layout.constants,
    )
    if misfit:
        return NotFound(misfit=misfit, unknown=len(unknown))
    fill(network, ours)
    return Found(told=told, plan=plan, scale=made_for, network=network)


def fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a network the tensors that it was compared with; what they lack stays.

    Raises:
        InputError: if they are of a type that can't be copied.
    """
    try:
        network.load_state_dict({**network.state_dict(), **tensors})
    except RuntimeError as error:
        raise InputError(f"has tensors that can't be copied: {' '.join(str(error).split())}") from None


def _scale(family: BackboneFamily, told: Recognised, asked: int | None, untold: int) -> int:
    if told.scale is not None and asked not in (None, told.scale):
        raise InputError(f"its tensors are of scale {told.scale}, not {asked}")
    scale = told.scale or asked or untold
    if scale not in family.scales:
        raise InputError(f"the family serves scale {', '.join(map(str, sorted(family.scales)))}, not {scale}")
    return scale


def _options(family: BackboneFamily, values: Mapping[str, Any]) -> Options:
    try:
        return family.options.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = list(family.options.model_fields)
            meant = nearest(key, known)
            hint = f"did you mean {meant!r}?" if meant else f"known: {', '.join(known) or 'none'}"
            raise InputError(f"the family has no option {key!r}", hint=hint) from None
        raise InputError(f"option {key!r}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None
