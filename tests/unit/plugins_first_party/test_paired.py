"""The task whose degraded images come with the data, and the source that has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import restoreroute_samples
from restoreroute.errors import InputError
from restoreroute.imaging.io import write_image
from restoreroute.imaging.resize import resize
from restoreroute.spec.source import DataSource, ImagePair
from restoreroute.spec.task import BoundTask
from restoreroute_samples import PairsOptions
from restoreroute_tasks.paired import PAIRED, PairedOptions

IMAGE = np.random.default_rng(0).random((5, 7, 3), dtype=np.float32)


def bound(**options: object) -> BoundTask:
    return PAIRED.build(PairedOptions.model_validate(options))


def test_it_is_a_task() -> None:
    task = bound()
    assert isinstance(task, BoundTask)
    assert (task.scale, task.channels, task.random, task.degraded_bits, task.crop_border) == (1, 3, False, None, 0)
    assert (bound(scale=4).scale, bound(scale=4).crop_border) == (4, 4)
    assert not PAIRED.degrades


@pytest.mark.parametrize("scale", [0, 9, 2.5])
def test_scales_that_are_none(scale: float) -> None:
    with pytest.raises(ValidationError):
        PairedOptions.model_validate({"scale": scale})


def test_interpolation() -> None:
    np.testing.assert_array_equal(bound().interpolate(IMAGE), IMAGE)
    np.testing.assert_array_equal(bound(scale=3).interpolate(IMAGE), resize(IMAGE, 3))


def test_nothing_is_degraded() -> None:
    with pytest.raises(InputError) as caught:
        bound().degrade(IMAGE, np.random.default_rng(0))
    assert str(caught.value) == (
        "task paired: makes no degraded images: they come with the data "
        "(use a data source that has them, such as 'pairs')"
    )


@pytest.fixture
def pairs() -> DataSource:
    (source,) = (offer for offer in restoreroute_samples.restoreroute_data_sources() if offer.name == "pairs")
    return source


def test_the_source_gives_pairs(pairs: DataSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in ("clean", "scans"):
        (tmp_path / folder).mkdir()
        write_image(tmp_path / folder / "a.png", np.zeros((2, 2, 3), np.uint8))

    images = pairs.build(PairsOptions(degraded="~/scans", clean="~/clean"))

    assert pairs.paired
    assert images == [ImagePair(clean=tmp_path / "clean" / "a.png", degraded=tmp_path / "scans" / "a.png")]


def test_other_sources_give_none() -> None:
    offers = {offer.name: offer.paired for offer in restoreroute_samples.restoreroute_data_sources()}
    assert offers == {"samples": False, "folder": False, "pairs": True}


@pytest.mark.parametrize(
    "options", [{}, {"clean": "x"}, {"degraded": "x"}, {"clean": "x", "degraded": "y", "path": "z"}]
)
def test_both_folders_are_needed(options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        PairsOptions.model_validate(options)
