"""Sizes of sub-images that stages ask for, tried before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restoreroute.app.plugins import open_catalogue
from restoreroute.app.sub_image_sizes import check_sizes, of_side
from restoreroute.data.pairs import Pair
from restoreroute.data.patch_index import index_sub_images
from restoreroute.data.sub_images import SubImages
from restoreroute.errors import InputError
from restoreroute.recipe.resolve import load_recipe
from restoreroute.spec.events import Event, Notice
from restoreroute.spec.plan import RunPlan

SMALL, LARGE = 9, 81
"""Sub-images of 8 x 8, 4 apart, in degraded images of 16 x 16 and of 40 x 40."""


def planned(recipe: Path, *overrides: str) -> RunPlan:
    return load_recipe(recipe, open_catalogue(), overrides)


@pytest.fixture
def sub_images(recipe: Path) -> SubImages:
    """Of a small image and then of a large one."""
    pairs = [
        Pair(
            file=Path("none"),
            clean=np.zeros((4 * side, 4 * side, 3), dtype=np.uint8),
            degraded=np.zeros((side, side, 3), dtype=np.uint8),
        )
        for side in (16, 40)
    ]
    sizes = [pair.degraded_size(4) for pair in pairs]
    return SubImages.of(pairs, index_sub_images(sizes, side=8, step=4), planned(recipe).task.bound)


def test_larger_ones_are_those_that_have_room(sub_images: SubImages) -> None:
    chosen = np.array([3, 8, 9, 40])
    larger, positions = of_side(sub_images, chosen, 20, stage="baseline")

    assert larger.index.side == 20
    assert positions.tolist() == [9, 40]
    assert of_side(sub_images, chosen, None, stage="baseline") == (sub_images, chosen)


def test_what_is_left_out_is_said_once_for_each_size(recipe: Path, sub_images: SubImages) -> None:
    plan = planned(
        recipe,
        "stages.baseline.sub_image=16",
        "stages.baseline.phases=[{iterations: 2, sub_image: 20}, {iterations: 2, sub_image: 20}]",
        "stages.pretrain.phases=[{iterations: 2, sub_image: 17}]",
        "stages.pretrain.own_class=false",
    )
    heard: list[Event] = []

    check_sizes(plan, sub_images, np.arange(5, SMALL + LARGE), listen=heard.append)

    assert heard == [
        Notice(text="stages.baseline leaves out 4 of 85 sub-images: their images are smaller than 20 x 20"),
        Notice(text="stages.pretrain leaves out 4 of 85 sub-images: their images are smaller than 17 x 17"),
    ]


def test_what_networks_alone_are_not_trained_on_does_not_count(recipe: Path, sub_images: SubImages) -> None:
    plan = planned(recipe, "stages.baseline.sub_image=20")
    with pytest.raises(InputError, match="none of 9 sub-images lies in an image of at least 20 x 20") as caught:
        check_sizes(plan, sub_images, np.arange(SMALL), listen=lambda event: None)

    assert caught.value.where == "stages.baseline"
