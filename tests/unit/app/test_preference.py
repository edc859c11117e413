"""A run chooses its model's preference on the validation photos."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from restoreroute.app.plugins import open_catalogue
from restoreroute.evaluation.preference import choose
from restoreroute.routing.model_file import Model, load_model
from restoreroute.spec.events import StepFinished
from restoreroute.spec.results import Preference

EVALUATION = ["evaluate classsr", "evaluate whole"]


def model_of(run: Any) -> Model:
    return load_model(run.model, open_catalogue())


def weights(file: Path) -> dict[str, bytes]:
    with safe_open(file, framework="np") as content:
        return {name: content.get_tensor(name).tobytes() for name in content.keys()}  # noqa: SIM118 (no mapping)


@pytest.fixture
def preference(finished: Any) -> Preference:
    found = finished.results[0].preference
    assert found is not None
    return found


def test_the_model_prefers_what_was_chosen(finished: Any, preference: Preference) -> None:
    model = model_of(finished)

    assert preference == choose(preference.curve, 0.02)
    assert preference.chosen.psnr >= preference.curve.full - 0.02
    assert model.speed == preference.chosen.speed
    assert model.summary["preference"] == {"loss_db": 0.02, **asdict(preference.chosen)}
    assert "preference" not in load_model(finished.folder / "baseline.safetensors", open_catalogue()).summary


def test_the_full_network_is_the_one_that_was_validated(finished: Any, preference: Preference) -> None:
    full, judging = model_of(finished).costs[-1].executed, model_of(finished).class_module_cost.executed

    assert preference.curve.points[0].psnr == preference.curve.full
    assert preference.curve.points[0].share == pytest.approx((full + judging) / full)


def test_the_step_says_what_it_chose(finished: Any, preference: Preference) -> None:
    (done,) = [event for event in finished.events if isinstance(event, StepFinished) and event.step == "preference"]

    chosen = preference.chosen
    assert done.detail.startswith(f"speed {chosen.speed:g}: {chosen.psnr:.2f} dB, ")
    assert done.detail.endswith(f" the full network, at {100 * chosen.share:.0f} % of its operations")


def test_another_bound_chooses_from_the_same_curve(copy: Callable[[], Any]) -> None:
    """The curve on disk is replaced, so that what is chosen does not hang on how the tiny networks turned out."""
    run = copy()
    before = weights(run.model)
    file = run.folder / "state" / "preference.json"
    dear, cheap = {"speed": -50.0, "psnr": 30.0, "share": 1.1}, {"speed": 50.0, "psnr": 29.0, "share": 0.8}
    file.write_text(json.dumps({**json.loads(file.read_text()), "full": 30.0, "points": [dear, cheap]}))

    for loss_db, point, shares in ((0.5, dear, (0.0, 1.0)), (1.5, cheap, (1.0, 0.0))):
        results = run.run(f"routing.loss_db={loss_db}")

        assert run.started() == ["data", *EVALUATION], "nothing is trained or measured on validation photos again"
        assert asdict(results.preference.chosen) == point
        assert model_of(run).speed == point["speed"]
        assert model_of(run).summary["preference"] == {"loss_db": loss_db, **point}
        assert [one.row("routed").shares for one in results.sets] == [shares, shares]
    assert weights(run.model) == before


def test_a_preference_fixed_by_hand_is_no_step(copy: Callable[[], Any]) -> None:
    run = copy()

    results = run.run("routing.speed=-99")

    assert "preference" not in [*run.started(), *run.reused(), *run.events[0].steps]
    assert results.preference is None
    assert model_of(run).speed == -99
    assert "preference" not in model_of(run).summary
    assert results.sets[0].row("routed").shares == (0.0, 1.0)


def test_other_validation_photos_choose_anew(tiny: Any, tmp_path: Path) -> None:
    photos = tiny.write_photos(tmp_path / "photos")
    run = tiny.Tiny(recipe=tiny.write_recipe(tmp_path, photos), runs=tmp_path / "runs")
    few = [f"stages.{stage}.iterations=1" for stage in ("baseline", "pretrain", "class_module", "joint")]
    first = run.run(*few)

    second = run.run(*few, f"data.validation={photos / 'test'}")

    assert "preference" in run.started()
    assert "joint" in run.reused()
    assert second.preference.curve != first.preference.curve


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"key": 1}', b"\xff"])
def test_a_damaged_curve_is_measured_again(content: bytes, copy: Callable[[], Any], finished: Any) -> None:
    run = copy()
    file = run.folder / "state" / "preference.json"
    before = file.read_bytes()
    file.write_bytes(content)

    run.run()

    assert run.started() == ["data", "preference"]
    assert file.read_bytes() == before
    assert run.model.read_bytes() == finished.model.read_bytes()


def test_results_hold_the_curve(finished: Any, preference: Preference) -> None:
    content = json.loads((finished.folder / "results.json").read_text())

    assert content["preference"]["chosen"] == asdict(preference.chosen)
    assert len(content["preference"]["curve"]["points"]) == len(preference.curve.points)
