"""Networks that start from a file of another scale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import published
import pytest
import torch
from torch import nn

from restoreroute.app.plugins import open_catalogue
from restoreroute.errors import InputError
from restoreroute.routing.model_file import Model, assemble, build_network, load_model, save_model
from restoreroute.spec.events import StepStarted
from restoreroute.spec.plan import BranchPlan, TaskPlan
from restoreroute_backbones.fsrcnn import FSRCNN
from restoreroute_backbones.srresnet import SRRESNET
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION, SuperResolutionOptions

NONE = tuple(f"stages.{stage}.iterations=0" for stage in ("pretrain", "class_module", "joint"))
ONE = (*NONE, "stages.baseline.iterations=1")
WHOLE = "evaluation.protocols=[whole]"
RESNET = "backbone={name: srresnet, blocks: 1}"
FRESH = {"detail.up_1.weight", "detail.up_1.bias"}

MakeFile = Callable[..., Path]


@pytest.fixture
def model_file(tmp_path: Path) -> MakeFile:
    """Writes a model file of branches with weights that no other network has."""

    def make(*widths: int, scale: int = 2, family: Any = SRRESNET, **options: Any) -> Path:
        chosen = SuperResolutionOptions(scale=scale)
        task = TaskPlan(offer=SUPER_RESOLUTION, options=chosen, bound=SUPER_RESOLUTION.build(chosen))
        shape = family.options(**(options or ({"blocks": 1} if family is SRRESNET else {})))
        plans = [BranchPlan(family=family, options=shape, width=width) for width in widths]
        model = assemble(
            task=task,
            plans=plans,
            networks=[build_network(plan, task, seed=77 + plan.width) for plan in plans],
            class_module=None,
            class_module_options=None,
            patch=8,
            stride=6,
            providers={},
            summary={},
        )
        path = tmp_path / f"x{scale}.safetensors"
        save_model(model, path)
        return path

    return make


def model_of(path: Path) -> Model:
    return load_model(path, open_catalogue())


def equal_tensors(network: nn.Module, other: nn.Module) -> set[str]:
    own, others = network.state_dict(), other.state_dict()
    return {
        name
        for name in own
        if name in others and own[name].shape == others[name].shape and own[name].eq(others[name]).all()
    }


def details(run: Any) -> dict[str, str]:
    return {event.step: event.detail for event in run.events if isinstance(event, StepStarted)}


def test_all_but_the_last_layers_are_taken(run: Any, model_file: MakeFile) -> None:
    x2 = model_file(8)

    run.run(*ONE, WHOLE, RESNET, f"branches=[4, {{width: 8, from: {x2}}}]")

    start, branch = model_of(x2).branches[0], model_of(run.model).branches[1]
    fresh = build_network(model_of(run.model).plans[1], model_of(run.model).task, seed=0)
    assert branch.state_dict().keys() - start.state_dict().keys() == FRESH
    assert equal_tensors(branch, start) == branch.state_dict().keys() - FRESH
    assert equal_tensors(branch, start) - equal_tensors(fresh, start), "not what every fresh network has"


def test_the_report_says_what_stayed_fresh(run: Any, model_file: MakeFile) -> None:
    x2 = model_file(8)

    run.run(*ONE, "stages.pretrain.iterations=1", WHOLE, RESNET, f"branches=[4, {{width: 8, from: {x2}}}]")

    expected = (
        "srresnet-8 blocks=1, from srresnet-8 blocks=1 of x2.safetensors at scale 2, fresh: 2 tensors of detail.up_1.*"
    )
    assert details(run)["baseline"] == details(run)["pretrain_1"] == expected
    assert details(run)["pretrain_0"] == "srresnet-4 blocks=1, fresh"


def test_a_single_network_goes_on_from_another_scale(run: Any, model_file: MakeFile) -> None:
    lines = [line for line in run.recipe.read_text().splitlines() if ":" in line]
    routing = ("class_module:", "pretrain:", "joint:")
    single = run.runs.parent / "tiny.yml"
    single.write_text("\n".join(line for line in lines if not line.lstrip().startswith(routing)))
    x3 = model_file(8, scale=3)
    run = type(run)(recipe=single, runs=run.runs)

    run.run("stages.baseline.iterations=1", WHOLE, RESNET, f"branches=[{{width: 8, from: {x3}}}]")

    assert details(run)["baseline"].endswith("at scale 3, fresh: 4 tensors of detail.*")


def test_a_published_checkpoint_tells_its_scale(run: Any, tmp_path: Path) -> None:
    network = published.make(SRRESNET, width=8, blocks=1, scale=2)
    checkpoint = tmp_path / "published.pth"
    torch.save(published.authors_names(SRRESNET, network), checkpoint)

    run.run(*ONE, WHOLE, RESNET, f"branches=[4, {{width: 8, from: {checkpoint}}}]")

    branch = model_of(run.model).branches[1]
    assert equal_tensors(branch, network) == branch.state_dict().keys() - FRESH


def test_a_family_of_the_same_shapes_at_every_scale_is_taken_whole(run: Any, model_file: MakeFile) -> None:
    x2 = model_file(8, family=FSRCNN)

    run.run(*ONE, WHOLE, f"branches=[4, {{width: 8, from: {x2}}}]")

    branch = model_of(run.model).branches[1]
    assert equal_tensors(branch, model_of(x2).branches[0]) == branch.state_dict().keys()
    assert details(run)["baseline"].endswith("fresh: nothing")


@pytest.mark.parametrize(
    ("made", "hint"),
    [
        ({"blocks": 2}, "across scales, it has to be of the same family, options and width"),
        ({"family": FSRCNN}, "across scales, it has to be of the same family, options and width"),
    ],
)
def test_other_designs_are_refused(run: Any, model_file: MakeFile, made: dict[str, Any], hint: str) -> None:
    x2 = model_file(8, **made)

    with pytest.raises(InputError, match=r"holds .*-8.* at scale 2, this run is at 4; branch srresnet-8") as caught:
        run.run(*ONE, RESNET, f"branches=[4, {{width: 8, from: {x2}}}]")

    assert (caught.value.where, caught.value.hint) == (str(x2), hint)
    assert run.started() == []


def test_channels_are_not_chosen_across_scales(run: Any, model_file: MakeFile) -> None:
    x2 = model_file(12)

    with pytest.raises(InputError, match="holds srresnet-12 blocks=1 at scale 2, this run is at 4") as caught:
        run.run(*ONE, RESNET, f"branches=[4, {{width: 8, from: {x2}}}]")

    assert caught.value.hint == "across scales, it has to be of the same family, options and width"


def test_a_network_of_another_scale_is_no_trained_baseline(run: Any, model_file: MakeFile) -> None:
    x2 = model_file(8)

    with pytest.raises(InputError, match="at scale 2, this run at 4: the last layers of srresnet-8 blocks=1 are not"):
        run.run(*NONE, "stages.baseline.iterations=0", RESNET, f"branches=[4, {{width: 8, from: {x2}}}]")

    assert run.started() == []


def test_difficulty_is_measured_at_the_runs_scale(run: Any, model_file: MakeFile) -> None:
    x2 = model_file(8)

    with pytest.raises(InputError, match="restores at scale 2, this run at 4") as caught:
        run.run(*ONE, f"difficulty={{name: network, model: {x2}}}", "stages.pretrain.iterations=1")

    assert caught.value.where == str(x2)
