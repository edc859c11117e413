"""Branches of any kind, from training to a restored image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import restoreroute
from restoreroute.app.plugins import open_catalogue
from restoreroute.errors import InputError
from restoreroute.imaging.resize import resize
from restoreroute.routing.model_file import Model, load_model
from restoreroute.spec.events import StepStarted, TrainingProgress
from restoreroute_backbones.fsrcnn import FSRCNN

ONE = tuple(f"stages.{stage}.iterations=1" for stage in ("baseline", "pretrain", "class_module", "joint"))
NONE = tuple(f"stages.{stage}.iterations=0" for stage in ("baseline", "pretrain", "class_module", "joint"))
WHOLE = "evaluation.protocols=[whole]"
MIXED = "branches=[interpolate, 4, {family: srresnet, width: 4, blocks: 1}]"
IMAGE = np.random.default_rng(0).random((13, 9, 3), dtype=np.float32)


def model_of(run: Any) -> Model:
    return load_model(run.model, open_catalogue())


def detail(run: Any, step: str) -> str:
    return next(event.detail for event in run.events if isinstance(event, StepStarted) and event.step == step)


def same(left: torch.nn.Module, right: torch.nn.Module) -> bool:
    pairs = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(mine, other) for mine, other in pairs)


def test_families_and_an_interpolation_in_one_model(run: Any) -> None:
    results = run.run(*ONE, WHOLE, MIXED, "stages.class_module.pool=96")

    model = model_of(run)
    assert [plan.name for plan in model.plans] == ["interpolate", "fsrcnn-4", "srresnet-4 blocks=1"]
    assert "pretrain_0" not in run.started(), "there is nothing to train"
    assert {"pretrain_1", "pretrain_2"} <= set(run.started())
    assert 0 < model.costs[0].executed < model.costs[1].executed < model.costs[2].executed
    assert (model.costs[0].parameters, model.costs[1].parameters > 0) == (0, True)
    rows = results.sets[0]
    assert rows.row("branch interpolate").quality.psnr_rgb == pytest.approx(
        rows.row("interpolation").quality.psnr_rgb, abs=1e-3
    )
    assert rows.row("branch interpolate").executed == pytest.approx(model.costs[0].executed)


def test_the_interpolating_branch_is_the_tasks_interpolation(run: Any) -> None:
    run.run(*ONE, WHOLE, MIXED)
    (run.folder / "state").rename(run.folder / "unused")  # the model file alone is enough

    branch = model_of(run).branches[0]
    restored = branch(torch.from_numpy(IMAGE).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()

    np.testing.assert_allclose(restored, resize(IMAGE, 4), rtol=0, atol=1e-6)
    assert restoreroute.load(run.model).restore(IMAGE).shape == (52, 36, 3)


def test_an_identity_at_scale_1_costs_nothing(run: Any) -> None:
    dncnn = ("task=gaussian_denoising", "backbone={name: dncnn, layers: 3}", "branches=[interpolate, 4, 6]")

    results = run.run(*ONE, WHOLE, *dncnn)

    rows = results.sets[0]
    assert model_of(run).costs[0].executed == 0
    assert rows.row("branch interpolate").quality == rows.row("interpolation").quality
    assert rows.row("branch interpolate").executed == 0


@pytest.mark.parametrize(
    ("branches", "message"),
    [
        ("[8, 4]", r"fsrcnn-4 executes .* M operations per patch, fsrcnn-8 before it .*cheapest first"),
        ("[4, interpolate]", "interpolate executes"),
        ("[{width: 4, initialisation: official}, 4]", "fsrcnn-4 executes"),
    ],
)
def test_branches_have_to_come_cheapest_first(run: Any, branches: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run.run(*ONE, f"branches={branches}")

    assert run.started() == [], "before anything is read or trained"


def test_a_branch_starts_from_a_model_file(run: Any, finished: Any) -> None:
    run.run(*NONE, WHOLE, f"branches=[4, {{width: 8, from: {finished.model}}}]")

    trained, model = load_model(finished.model, open_catalogue()), model_of(run)
    assert same(model.branches[1], trained.branches[1])
    assert not same(model.branches[0], trained.branches[0]), "it names no file"
    baseline = load_model(run.folder / "baseline.safetensors", open_catalogue())
    assert same(baseline.branches[0], trained.branches[1]), "the full network is the baseline"


def test_a_narrower_branch_takes_the_channels_that_matter_most(run: Any, finished: Any) -> None:
    run.run(*NONE, WHOLE, f"branches=[{{width: 6, from: {finished.model}}}, {{width: 8, from: {finished.model}}}]")

    model = model_of(run)
    full = load_model(finished.model, open_catalogue()).branches[1]
    narrow = model.plans[0].family.build(model.plans[0].options, width=6, scale=4, channels=3)
    assert model.plans[0].family.narrow is not None
    model.plans[0].family.narrow(full, narrow)
    assert same(model.branches[0], narrow)


def test_a_branch_starts_from_a_published_checkpoint(run: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = FSRCNN.build(FSRCNN.options(), width=8, scale=4, channels=3)
    checkpoint = tmp_path / "published.pth"
    assert FSRCNN.official is not None
    torch.save({FSRCNN.official.original(name): tensor for name, tensor in network.state_dict().items()}, checkpoint)

    run.run(
        *NONE,
        WHOLE,
        f"branches=[4, {{width: 8, from: {checkpoint}}}]",
        f"difficulty={{name: network, model: {checkpoint}}}",
    )

    assert same(model_of(run).branches[1], network)


def test_another_file_trains_the_branch_anew(run: Any, finished: Any, tmp_path: Path) -> None:
    copy = tmp_path / "other.safetensors"
    copy.write_bytes(finished.model.read_bytes())
    recipe = (*ONE, WHOLE, f"branches=[4, {{width: 8, from: {copy}}}]")
    run.run(*recipe)
    assert "fsrcnn-8 of other.safetensors" in detail(run, "pretrain_1")
    run.run(*recipe)
    assert {"baseline", "pretrain_0", "pretrain_1"} <= set(run.reused())

    copy.write_bytes((finished.folder / "baseline.safetensors").read_bytes())
    run.run(*recipe)

    assert {"baseline", "pretrain_1"} <= set(run.started())
    assert "pretrain_0" in run.reused()


@pytest.mark.parametrize(
    ("branch", "message"),
    [
        ("{width: 16, from: FILE}", r"holds fsrcnn-4, fsrcnn-8; branch fsrcnn-16 can start from none of them"),
        ("{family: srresnet, width: 4, from: FILE}", "can start from none of them"),
        ("{width: 8, from: missing.safetensors}", "no such model or checkpoint"),
        ("{width: 8, from: RECIPE}", "can't be read as a checkpoint"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_training(
    run: Any, finished: Any, branch: str, message: str
) -> None:
    branch = branch.replace("FILE", str(finished.model)).replace("RECIPE", str(run.recipe))
    with pytest.raises(InputError, match=message):
        run.run(*ONE, f"branches=[4, {branch}]")

    assert run.started() == []


def test_branches_of_another_depth_start_fresh_beside_those_from_the_baseline(run: Any) -> None:
    backbone = "backbone={name: srresnet, blocks: 2}"
    branches = "branches=[{width: 4, blocks: 1}, 4, 8]"

    run.run(*ONE, WHOLE, backbone, branches, "stages.pretrain.start=baseline")

    assert detail(run, "pretrain_0") == "srresnet-4 blocks=1, fresh"
    assert detail(run, "pretrain_1") == "srresnet-4 blocks=2, from the baseline"


def test_distilled_branches_learn_the_baselines_output(run: Any) -> None:
    """A branch of the baseline's width that starts from it has nothing to learn from it, and much from clean images."""
    distil = ("stages.pretrain.distil=0.75", "stages.pretrain.start=baseline")

    run.run(*ONE, *distil, WHOLE)

    (wide,) = (
        event.losses for event in run.events if isinstance(event, TrainingProgress) and event.step == "pretrain_1"
    )
    assert wide["distilled"] < 1e-6 < wide["image"]
    (narrow,) = (
        event.losses for event in run.events if isinstance(event, TrainingProgress) and event.step == "pretrain_0"
    )
    assert narrow["distilled"] > 1e-4
    assert narrow["total"] == pytest.approx(0.25 * narrow["image"] + 0.75 * narrow["distilled"])


def test_each_branch_has_its_own_number_of_updates(run: Any) -> None:
    run.run(*ONE, WHOLE, "stages.pretrain.per_branch=[2, 0]")
    assert "pretrain_1" not in run.started()
    updates = {event.step: event.iterations for event in run.events if isinstance(event, TrainingProgress)}
    assert updates["pretrain_0"] == 2

    run.run(*ONE, WHOLE, "stages.pretrain.per_branch=[2, 1]")
    assert "pretrain_0" in run.reused(), "another branch's updates are no matter of its own"
    assert "pretrain_1" in run.started()


def test_distilling_less_or_more_is_another_stage(run: Any) -> None:
    run.run(*ONE, WHOLE, "stages.pretrain.distil=0.5")

    run.run(*ONE, WHOLE, "stages.pretrain.distil=0.6")

    assert "baseline" in run.reused()
    assert {"pretrain_0", "pretrain_1"} <= set(run.started())
