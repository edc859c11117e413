"""A model's task with other options, so that it can be measured on what it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from restoreroute.errors import InputError, RecipeError
from restoreroute.recipe.document import document_from
from restoreroute.recipe.findings import Findings
from restoreroute.recipe.overrides import apply_overrides, parse_overrides
from restoreroute.spec.plan import TaskPlan

TASK = "task"


def with_options(task: TaskPlan, overrides: Mapping[str, Any] | Sequence[str]) -> TaskPlan:
    """The same task with some of its options changed.

    Args:
        task: of a model.
        overrides: ``"task.<option>=<value>"`` texts, or values by dotted key.

    Raises:
        RecipeError: if an override is none of the task's options, or its value is wrong.
        InputError: if it would change the size or the channels of images.
    """
    parsed = parse_overrides(overrides)
    if not parsed:
        return task
    strangers = [override for override in parsed if len(override.keys) < 2 or override.keys[0] != TASK]
    if strangers:
        raise RecipeError(
            [
                each.place.problem(f"only options of the task can be set here: {TASK}.<option>=<value>", each.keys)
                for each in strangers
            ]
        )
    written = {TASK: {"name": task.offer.name, **task.options.model_dump(mode="json", by_alias=True)}}
    document = apply_overrides(document_from(written), parsed, ())
    findings = Findings(document)
    chosen = {key: value for key, value in document.data[TASK].items() if key != "name"}
    options = findings.model(task.offer.options, chosen, (TASK,), beside=("name",))
    if options is None:
        raise RecipeError(findings.problems())
    changed = replace(task, options=options, bound=task.offer.build(options))
    if (changed.bound.scale, changed.bound.channels) != (task.bound.scale, task.bound.channels):
        raise InputError(
            f"the model is for scale {task.bound.scale} and {task.bound.channels} channels, not "
            f"{changed.bound.scale} and {changed.bound.channels}",
            where="overrides",
        )
    return changed
