"""Curves of the routing stages and of the preference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from restoreroute.imaging.io import read_image
from restoreroute.reporting.curves import draw_curves
from restoreroute.spec.results import Preference, RunResults

Stage = list[dict[str, float]]


def stage(confidence: float) -> Stage:
    return [
        {"iteration": number, "psnr": 30 + number, "confidence": confidence, "share_0": 0.9, "share_1": 0.1}
        for number in (1, 2, 3)
    ]


def run(name: str, stages: Mapping[str, Stage], preference: Preference | None = None) -> RunResults:
    return RunResults(name=name, folder="", model="", sets=(), stages=dict(stages), preference=preference)


@pytest.fixture
def one() -> RunResults:
    return run("one", {"class_module": stage(0.4), "joint": stage(0.6)})


def drawn(path: Path, *runs: RunResults) -> NDArray[np.uint8]:
    assert draw_curves(runs, path)
    return read_image(path)


def test_runs_are_lines_of_one_picture(one: RunResults, tmp_path: Path) -> None:
    alone = drawn(tmp_path / "one.png", one)
    both = drawn(tmp_path / "both.png", one, run("two", {"class_module": stage(0.9)}))

    assert alone.shape == both.shape
    assert (alone != both).any()


def test_a_chosen_preference_is_a_further_panel(one: RunResults, preference: Preference, tmp_path: Path) -> None:
    three = drawn(tmp_path / "three.png", one)
    four = drawn(tmp_path / "four.png", replace(one, preference=preference))
    single = drawn(tmp_path / "single.png", run("alone", {}, preference))

    assert [picture.shape[1] for picture in (single, three, four)] == [440, 3 * 440, 4 * 440]


def test_the_point_and_the_bound_are_marked(preference: Preference, tmp_path: Path) -> None:
    usual = drawn(tmp_path / "usual.png", run("run", {}, preference))
    other = replace(preference, chosen=preference.curve.points[2])

    assert (drawn(tmp_path / "point.png", run("run", {}, other)) != usual).any()
    assert (drawn(tmp_path / "bound.png", run("run", {}, replace(preference, loss_db=0.4))) != usual).any()
    assert (drawn(tmp_path / "same.png", run("run", {}, preference)) == usual).all()


def test_networks_alone_are_a_panel_of_their_own(one: RunResults, tmp_path: Path) -> None:
    learnt = [{"iteration": number, "psnr": 30 + number} for number in (1, 2, 3)]
    single = drawn(tmp_path / "single.png", run("single", {"baseline": learnt}))
    two = drawn(tmp_path / "two.png", run("single", {"baseline": learnt}), run("other", {"baseline": learnt[:2]}))
    routed = drawn(tmp_path / "routed.png", run("routed", {"baseline": learnt, "pretrain_0": learnt, **one.stages}))

    assert [picture.shape[1] for picture in (single, two, routed)] == [440, 440, 4 * 440]
    assert (single != two).any()


def test_what_trained_nothing_has_no_curves(tmp_path: Path) -> None:
    assert not draw_curves([run("nothing", {"baseline": []})], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
