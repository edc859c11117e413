"""Turn a published checkpoint into a model file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from restoreroute.app.plugins import open_catalogue
from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.model_file import Model, assemble, save_model
from restoreroute.routing.official import Checkpoint, read_checkpoint
from restoreroute.spec.plan import TaskPlan
from restoreroute.spec.task import Task

PATCH, STRIDE = 32, 28
"""Of the published models (paper section 4.1)."""
UPSCALING, SAME_SIZE = "super_resolution", "gaussian_denoising"
"""The tasks that published checkpoints were trained for, where the size grows and where it stays."""


def convert_checkpoint(
    source: Path,
    output: Path,
    *,
    family: str | None = None,
    scale: int | None = None,
    options: Mapping[str, Any] | None = None,
    task: str | None = None,
    force: bool = False,
) -> tuple[Checkpoint, Model]:
    """Read a checkpoint of ClassSR's authors and write it as a model file.

    Args:
        source: a routed checkpoint or one of a single network.
        output: the model file.
        family: the only one to consider; else it is recognised.
        scale: where the tensors do not tell it.
        options: of the family, over what the tensors tell.
        task: what the model is for; by default super-resolution, or denoising where the size stays.
        force: replace ``output`` if it exists.

    Returns:
        What was recognised, and the model that was written.

    Raises:
        InputError: if the output exists, the checkpoint fits no family, or the task has no such scale.
        OutputError: if the output can't be written.
    """
    if output.exists() and not force:
        raise InputError("exists already", where=str(output), hint="--force replaces it")
    catalogue = open_catalogue()
    checkpoint = read_checkpoint(source, catalogue, family=family, scale=scale, options=options)
    model = model_of(checkpoint, catalogue, task=task, source=source)
    save_model(model, output)
    return checkpoint, model


def model_of(checkpoint: Checkpoint, catalogue: Catalogue, *, source: Path, task: str | None = None) -> Model:
    """The model of a checkpoint.

    Args:
        source: the file it is from, for the model's summary.

    Raises:
        InputError: if the task has no such scale or other colour channels.
        UnknownNameError: if there is no such task.
    """
    name = task or (UPSCALING if checkpoint.scale > 1 else SAME_SIZE)
    offers = (catalogue.tasks.get(name, where=str(source)), checkpoint.family)
    return assemble(
        task=_bind(offers[0], checkpoint, where=str(source)),
        plans=[plan for plan, _ in checkpoint.branches],
        networks=[network for _, network in checkpoint.branches],
        class_module=checkpoint.class_module,
        class_module_options=checkpoint.class_module_options,
        patch=PATCH,
        stride=STRIDE,
        providers={f"{offer.kind} {offer.name}": catalogue.provider(offer) for offer in offers},
        summary={"source": source.name},
    )


def _bind(offer: Task, checkpoint: Checkpoint, *, where: str) -> TaskPlan:
    """The task at the checkpoint's scale; other options keep their defaults."""
    chosen = {"scale": checkpoint.scale} if "scale" in offer.options.model_fields else {}
    try:
        options = offer.options.model_validate(chosen)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"task {offer.name}: option {'.'.join(map(str, first['loc']))}: {first['msg']}", where=where
        ) from None
    bound = offer.build(options)
    if (bound.scale, bound.channels) != (checkpoint.scale, checkpoint.channels):
        raise InputError(
            f"is for scale {checkpoint.scale} and {checkpoint.channels} colour channels, "
            f"task {offer.name} for scale {bound.scale} and {bound.channels}",
            where=where,
            hint="choose another task",
        )
    return TaskPlan(offer=offer, options=options, bound=bound)
