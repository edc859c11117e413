"""Tasks and sources that belong together: who makes the degraded images."""

from __future__ import annotations

from typing import Any

import pytest

PAIRED = """\
task: {name: given, scale: 4}
backbone: tiny
data:
  train: couples
  validation: {source: couples}
  test: couples
"""


def test_degraded_images_of_the_data(resolved: Any) -> None:
    plan = resolved(PAIRED)

    assert (plan.task.offer.degrades, plan.data.train.offer.paired) == (False, True)


def test_any_task_takes_pairs(resolved: Any, sound: str) -> None:
    plan = resolved(sound.replace("train: photos", "train: couples"))

    assert [source.offer.paired for source in (plan.data.train, plan.data.validation)] == [True, False]


def test_a_task_that_degrades_nothing_needs_pairs(problems: Any, sound: str) -> None:
    found = problems(sound.replace("name: zoom", "name: given"))

    said = "has no degraded images, which task 'given' takes from the data; sources that do: couples"
    assert found == [
        f"r.yml:4:10: data.train: data source 'photos' {said}",
        f"r.yml:5:15: data.validation: data source 'photos' {said}",
        f"r.yml:6:9: data.test: data source 'folder' {said}",
    ]


@pytest.mark.parametrize("scales", ["[1.0, 0.9]", "[0.5]"])
def test_pairs_are_of_one_size(problems: Any, scales: str) -> None:
    (found,) = problems(f"{PAIRED}  clean_scales: {scales}\n")

    said = "must be [1.0]: the degraded images of data source 'couples' are of one size"
    assert found == f"r.yml:7:17: data.clean_scales: {said}"


def test_one_size_may_be_said(resolved: Any) -> None:
    assert resolved(f"{PAIRED}  clean_scales: [1]\n").data.clean_scales == (1.0,)
