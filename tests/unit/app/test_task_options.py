"""A model's task with other options."""

from __future__ import annotations

from typing import Any

import pytest

from restoreroute.app.task_options import with_options
from restoreroute.errors import InputError, RecipeError
from restoreroute.spec.plan import TaskPlan
from restoreroute_tasks.gaussian_denoising import GAUSSIAN_DENOISING
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION


def plan(offer: Any, **values: object) -> TaskPlan:
    options = offer.options.model_validate(values)
    return TaskPlan(offer=offer, options=options, bound=offer.build(options))


BLIND = plan(GAUSSIAN_DENOISING, sigma=(0.0, 55.0))


def test_an_option_is_changed_and_the_others_stay() -> None:
    task = with_options(plan(GAUSSIAN_DENOISING, sigma=25.0, quantise=True), ["task.sigma=50"])

    assert task.options == GAUSSIAN_DENOISING.options(sigma=50.0, quantise=True)
    assert task.bound == GAUSSIAN_DENOISING.build(task.options)


def test_values_come_from_python_too() -> None:
    assert with_options(BLIND, {"task.sigma": 15.0}).options == GAUSSIAN_DENOISING.options(sigma=15.0)
    assert with_options(BLIND, ()) is BLIND


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("task.sigm=15", "override task.sigm=15: task.sigm: unknown key; did you mean 'sigma'?"),
        ("task.sigma=900", "override task.sigma=900: task.sigma"),
        ("stages.joint.lr=1", "only options of the task can be set here"),
        ("task=super_resolution", "only options of the task can be set here"),
    ],
)
def test_what_can_not_be_set(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        with_options(BLIND, [override])

    assert message in str(caught.value)


def test_the_size_of_images_has_to_stay() -> None:
    with pytest.raises(InputError, match="the model is for scale 4 and 3 channels, not 2 and 3"):
        with_options(plan(SUPER_RESOLUTION), ["task.scale=2"])
