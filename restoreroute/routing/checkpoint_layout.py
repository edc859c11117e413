"""Checkpoint files that others wrote: dictionaries of tensors, alone or wrapped, of one network or of a routed model.

A routed model has the parts ``classifier.*`` and ``net1.*`` (narrowest) to ``netM.*``; one network has no prefix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from restoreroute.errors import InputError
from restoreroute.routing.model_file import HEADER_KEY

SAFETENSORS_SUFFIX = ".safetensors"
WRAPPERS = ("params_ema", "params", "state_dict")
"""Keys under which training programs put the tensors, the best ones first."""
PARALLEL_PREFIX = "module."
"""What torch's DataParallel puts before every name."""
CLASSIFIER = "classifier"
PART = re.compile(rf"{CLASSIFIER}|net[1-9][0-9]*")

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The tensors of a checkpoint, by network.

    Attributes:
        branches: by the name of the part, narrowest first; the only part of an unrouted checkpoint is called ``""``.
        classifier: of the Class-Module, or None in an unrouted checkpoint.
    """

    branches: Mapping[str, Tensors]
    classifier: Tensors | None


def read_parts(path: Path) -> Parts:
    """Read a ``.pth`` or ``.safetensors`` file; tensors only, no pickled code is run.

    Raises:
        InputError: if the file is damaged, is no dictionary of tensors of finite real numbers, or its parts are no
            routed model.
    """
    where = str(path)
    content = _read_safetensors(path) if path.suffix.lower() == SAFETENSORS_SUFFIX else _read_pickle(path)
    tensors = _without_prefix(_tensors(content, where))
    _require_numbers(tensors, where)
    return _parts(tensors, where)


def _read_pickle(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load meets damaged files with exceptions of any kind
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"can't be read as a checkpoint: {reason}", where=str(path)) from None


def _read_safetensors(path: Path) -> object:
    try:
        with safe_open(path, framework="pt") as file:
            if HEADER_KEY in (file.metadata() or {}):
                raise InputError("is a model file already", where=str(path), hint="use it as it is")
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise InputError(f"can't be read as a checkpoint: {error}", where=str(path)) from None


def _tensors(content: object, where: str) -> dict[str, Tensor]:
    if isinstance(content, dict):
        content = next((content[key] for key in WRAPPERS if isinstance(content.get(key), dict)), content)
    if (
        not isinstance(content, dict)
        or not content
        or not all(isinstance(name, str) and _is_dense(tensor) for name, tensor in content.items())
    ):
        raise InputError(
            "is no dictionary of tensors", where=where, hint=f"nor does it hold one as {', '.join(WRAPPERS)}"
        )
    return dict(content)


def _is_dense(value: object) -> bool:
    """Whether it is a tensor with a number in the file for each of its elements, so that shapes can't be made up."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and value.untyped_storage().nbytes() >= value.numel() * value.element_size()
    )


def _require_numbers(tensors: Tensors, where: str) -> None:
    """Refuse what a network would be silently wrong with: values that float32 has no finite number for."""
    for name, tensor in tensors.items():
        if tensor.is_complex() or not tensor.float().isfinite().all():
            raise InputError(
                f"{name} holds values that are no finite real numbers",
                where=where,
                hint="the file is damaged, or its training diverged: use another one",
            )


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if all(name.startswith(PARALLEL_PREFIX) for name in tensors):
        return {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in tensors.items()}
    return tensors


def _parts(tensors: Tensors, where: str) -> Parts:
    parts: dict[str, dict[str, Tensor]] = {}
    rest = []
    for name, tensor in tensors.items():
        part, _, inside = name.partition(".")
        if PART.fullmatch(part):
            parts.setdefault(part, {})[inside] = tensor
        else:
            rest.append(name)
    if not parts:
        return Parts(branches={"": tensors}, classifier=None)
    if rest:
        raise InputError(
            f"has a tensor {rest[0]!r} that belongs to no part, as {', '.join(sorted(parts))}", where=where
        )
    classifier = parts.pop(CLASSIFIER, None)
    expected = [f"net{number + 1}" for number in range(max(len(parts), 2))]
    if classifier is None or parts.keys() != set(expected):
        found = sorted(parts, key=lambda part: int(part.removeprefix("net")))
        raise InputError(
            f"has the parts {', '.join(found if classifier is None else [CLASSIFIER, *found])}, "
            f"expected {', '.join([CLASSIFIER, *expected])}",
            where=where,
            hint="a routed checkpoint has a classifier and at least two branches, counted from 1",
        )
    return Parts(branches={part: parts[part] for part in expected}, classifier=classifier)
