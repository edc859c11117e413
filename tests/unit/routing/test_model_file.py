"""The model file: what is saved comes back to the bit, and what can't be read says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import restoreroute_tasks
from restoreroute.errors import InputError, OutputError, PluginError
from restoreroute.plugin.catalogue import Catalogue, Offered
from restoreroute.plugin.host import PluginHost
from restoreroute.routing.model_file import HEADER_KEY, Model, assemble, load_model, save_model
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.plan import BranchPlan, Provider, TaskPlan
from restoreroute_backbones.fsrcnn import FSRCNN, FsrcnnOptions
from restoreroute_backbones.interpolate import INTERPOLATE
from restoreroute_backbones.srresnet import SRRESNET

MakeModel = Callable[..., Model]


@pytest.fixture(scope="module")
def saved(make_model: MakeModel) -> Model:
    return make_model(4, 6, 9)


@pytest.fixture
def file(tmp_path: Path, saved: Model) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(saved, path)
    return path


def header(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as opened:
        facts: dict[str, Any] = json.loads(opened.metadata()[HEADER_KEY])
    return facts


def change(path: Path, alter: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]) -> None:
    """Write the file again with another header or other weights."""
    facts = header(path)
    with safe_open(path, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (no mapping)
    alter(facts, tensors)
    save_file(tensors, path, metadata={HEADER_KEY: json.dumps(facts)})


@pytest.mark.parametrize("widths", [(5,), (4, 9), (4, 6, 9)])
def test_outputs_come_back_to_the_bit(
    tmp_path: Path, make_model: MakeModel, catalogue: Catalogue, widths: tuple[int, ...]
) -> None:
    saved = make_model(*widths, seed=3)
    path = tmp_path / "model.safetensors"
    save_model(saved, path)
    loaded = load_model(path, catalogue)
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for mine, other in zip(saved.branches, loaded.branches, strict=True):
            assert torch.equal(mine(images), other(images))
        if saved.class_module is None:
            assert loaded.class_module is loaded.class_module_options is None
            assert loaded.class_module_cost == replace(loaded.class_module_cost, executed=0, paper=0, parameters=0)
        else:
            assert loaded.class_module is not None
            assert torch.equal(saved.class_module(images), loaded.class_module(images))


def test_facts_come_back(file: Path, saved: Model, catalogue: Catalogue) -> None:
    loaded = load_model(file, catalogue)
    assert loaded.plans == saved.plans
    assert loaded.task.offer is saved.task.offer
    assert loaded.task.options == saved.task.options
    for name in ("class_module_options", "patch", "stride", "costs", "class_module_cost", "providers", "summary"):
        assert getattr(loaded, name) == getattr(saved, name), name


def test_a_loaded_model_is_ready_to_restore(file: Path, catalogue: Catalogue) -> None:
    model = load_model(file, catalogue)
    assert model.class_module is not None
    for network in (*model.branches, model.class_module):
        assert not network.training
        kernels = [parameter for parameter in network.parameters() if parameter.ndim == 4]
        assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)


def test_the_header_says_what_it_is(file: Path, saved: Model) -> None:
    facts = header(file)
    assert facts["format"] == 1
    assert facts["task"] == {"name": "super_resolution", "options": {"scale": 2}}
    assert [branch["width"] for branch in facts["branches"]] == [4, 6, 9]
    assert facts["branches"][0] == {
        "family": "fsrcnn",
        "width": 4,
        "options": {"initialisation": "interpolating"},
    }
    assert facts["class_module"] == {"width": 8, "initialisation": "contrast"}
    assert (facts["patch"], facts["stride"]) == (16, 12)
    assert [cost["executed"] for cost in facts["costs"]["branches"]] == [cost.executed for cost in saved.costs]
    assert facts["providers"]["backbone family fsrcnn"] == {"distribution": "fsrcnn-for-all", "version": "7.1"}
    assert facts["summary"] == {"iterations": 12, "note": "größer"}


def test_names_of_the_weights(file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        names = set(opened.keys())
    assert {"branches.0.feature.weight", "branches.2.deconv.bias", "class_module.logits.weight"} <= names
    assert all(name.startswith(("branches.", "class_module.")) for name in names)


def test_the_same_model_gives_the_same_file(file: Path, make_model: MakeModel) -> None:
    again = file.with_name("again.safetensors")
    save_model(make_model(4, 6, 9), again)
    assert again.read_bytes() == file.read_bytes()


def test_a_tensor_under_two_names(tmp_path: Path, task: TaskPlan, catalogue: Catalogue) -> None:
    def build(options: object, /, *, width: int, scale: int, channels: int) -> nn.Module:
        block = nn.Conv2d(channels, channels, 1)
        return nn.Sequential(block, block, nn.Upsample(scale_factor=scale))

    family = BackboneFamily(
        name="shared",
        summary="one block twice",
        build=build,
        widths=(1, 2),
        widths_for=lambda count: tuple(range(1, count + 1)),
        scales=frozenset({2}),
        receptive_field=lambda options, scale: 0,
    )
    plan = BranchPlan(family=family, options=family.options(), width=1)
    network = build(None, width=1, scale=2, channels=3)
    model = assemble(
        task=task,
        plans=[plan],
        networks=[network],
        class_module=None,
        class_module_options=None,
        patch=16,
        stride=12,
        providers={},
        summary={},
    )
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    offered = Offered(family, Provider(distribution="shared", version="1"))
    loaded = load_model(path, replace(catalogue, offered=(*catalogue.offered, offered)))
    image = torch.rand(1, 3, 4, 4)
    with torch.inference_mode():
        torch.testing.assert_close(network(image), loaded.branches[0](image))
    assert loaded.costs == model.costs


def test_missing_file(tmp_path: Path, catalogue: Catalogue) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(InputError, match="no such model file") as caught:
            load_model(path, catalogue)
        assert str(path) in str(caught.value)


def test_every_cut_file_is_refused(file: Path, catalogue: Catalogue) -> None:
    data = file.read_bytes()
    for length in (0, 1, 7, 8, 100, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        with pytest.raises(InputError, match="can't be read as a model file") as caught:
            load_model(file, catalogue)
        assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", [b"task: super_resolution\n", b"PK\x03\x04", b"\x00" * 64, b"\xff" * 64])
def test_other_files_are_refused(file: Path, catalogue: Catalogue, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match="can't be read as a model file"):
        load_model(file, catalogue)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_foreign_weights_are_refused(file: Path, catalogue: Catalogue, metadata: dict[str, str] | None) -> None:
    save_file({"weight": torch.zeros(2)}, file, metadata=metadata)
    with pytest.raises(InputError, match="is not a model file of restoreroute"):
        load_model(file, catalogue)


@pytest.mark.parametrize("text", ["{not json", "[]", "{}", '{"format": null}', '{"format": "new"}'])
def test_a_damaged_header_is_refused(file: Path, catalogue: Catalogue, text: str) -> None:
    save_file({"weight": torch.zeros(2)}, file, metadata={HEADER_KEY: text})
    with pytest.raises(InputError, match="damaged header"):
        load_model(file, catalogue)


@pytest.mark.parametrize("part", ["task", "branches", "class_module", "patch", "stride", "providers", "summary"])
def test_a_header_without_a_part_is_refused(file: Path, catalogue: Catalogue, part: str) -> None:
    change(file, lambda facts, tensors: facts.pop(part))
    with pytest.raises(InputError, match=f"without {part}"):
        load_model(file, catalogue)


def test_a_later_format_asks_for_an_upgrade(file: Path, catalogue: Catalogue) -> None:
    change(file, lambda facts, tensors: facts.update(format=2))
    with pytest.raises(InputError, match=r"has format 2, this version reads up to 1.*upgrade restoreroute"):
        load_model(file, catalogue)


def test_a_missing_family_names_what_to_install(file: Path) -> None:
    host = PluginHost()
    host.register(restoreroute_tasks, name="tasks", distribution="restoreroute")
    with pytest.raises(PluginError) as caught:
        load_model(file, host.catalogue())
    said = str(caught.value)
    assert "backbone family 'fsrcnn'" in said
    assert "'fsrcnn-for-all' 7.1" in said
    assert "pip install fsrcnn-for-all" in said
    assert str(file) in said


def test_a_missing_task_names_what_to_install(file: Path) -> None:
    with pytest.raises(PluginError, match=r"task 'super_resolution' from distribution 'restoreroute' 0\.1"):
        load_model(file, Catalogue())


def test_options_of_another_version_are_named(file: Path, catalogue: Catalogue) -> None:
    change(file, lambda facts, tensors: facts["branches"][1]["options"].update(depth=3))
    with pytest.raises(InputError, match="option depth of FsrcnnOptions"):
        load_model(file, catalogue)


@pytest.mark.parametrize(
    "alter",
    [
        lambda facts, tensors: facts["branches"][0].update(width=5),
        lambda facts, tensors: tensors.pop("branches.1.feature.weight"),
        lambda facts, tensors: tensors.update({"branches.3.feature.weight": torch.zeros(1)}),
        lambda facts, tensors: facts["branches"].pop(),
    ],
    ids=["other width", "missing", "too many", "fewer branches"],
)
def test_weights_that_do_not_fit(
    file: Path, catalogue: Catalogue, alter: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]
) -> None:
    change(file, alter)
    with pytest.raises(InputError, match="do not fit the networks") as caught:
        load_model(file, catalogue)
    assert "fsrcnn-for-all 7.1" in str(caught.value)


def test_it_is_written_whole_or_not_at_all(file: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        save_model(make_model(4, 6, 9, seed=8), file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_is_not_there(tmp_path: Path, make_model: MakeModel) -> None:
    with pytest.raises(OutputError, match="create the folder first"):
        save_model(make_model(4), tmp_path / "none" / "model.safetensors")


def test_a_branch_has_a_short_name() -> None:
    assert BranchPlan(family=FSRCNN, options=FsrcnnOptions(), width=16).name == "fsrcnn-16"
    official = FsrcnnOptions(initialisation="official")
    assert BranchPlan(family=FSRCNN, options=official, width=16).name == "fsrcnn-16", "what it computes is the same"
    shallow = BranchPlan(family=SRRESNET, options=SRRESNET.options(blocks=4), width=36)
    assert shallow.name == "srresnet-36 blocks=4"
    assert BranchPlan(family=INTERPOLATE, options=INTERPOLATE.options(), width=1).name == "interpolate"
