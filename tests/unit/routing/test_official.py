"""Checkpoints in the authors' layout that are made here.  The golden one is in tests/golden."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.model_file import Model, load_model, save_model
from restoreroute.routing.official import load_official
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.plan import TaskPlan
from restoreroute_backbones.fsrcnn import FSRCNN, OFFICIAL_NAMES, FsrcnnOptions

MakeModel = Callable[..., Model]
Read = Callable[..., Model]
WIDTHS = (4, 6, 9)


@pytest.fixture(scope="module")
def made(make_model: MakeModel) -> Model:
    return make_model(*WIDTHS)


@pytest.fixture
def tensors(made: Model) -> dict[str, Tensor]:
    """The weights of a fresh model under the authors' names."""
    assert made.class_module is not None
    theirs = {mine: name for name, mine in OFFICIAL_NAMES.items()}
    classifier = {"features": "CondNet", "logits": "lastOut"}
    found = {}
    for name, tensor in made.class_module.state_dict().items():
        layer, _, rest = name.partition(".")
        found[f"classifier.{classifier[layer]}.{rest}"] = tensor
    for number, branch in enumerate(made.branches):
        for name, tensor in branch.state_dict().items():
            layer, _, parameter = name.rpartition(".")
            found[f"net{number + 1}.{theirs[layer]}.{parameter}"] = tensor
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "official.pth"


@pytest.fixture
def read(path: Path, task: TaskPlan) -> Read:
    def load(widths: Sequence[int] = WIDTHS, family: BackboneFamily = FSRCNN) -> Model:
        return load_official(path, task=task, family=family, options=FsrcnnOptions(), widths=widths, providers={})

    return load


def test_weights_are_those_of_the_checkpoint(path: Path, tensors: dict[str, Tensor], read: Read, made: Model) -> None:
    torch.save(tensors, path)
    loaded = read()
    assert made.class_module is not None
    assert loaded.class_module is not None
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(made.class_module(images), loaded.class_module(images))
        for mine, other in zip(made.branches, loaded.branches, strict=True):
            assert torch.equal(mine(images), other(images))
    assert (loaded.patch, loaded.stride) == (32, 28)
    assert loaded.class_module_options is not None
    assert loaded.class_module_options.width == 8
    assert [plan.width for plan in loaded.plans] == list(WIDTHS)


def test_it_can_be_saved_as_a_model_file(
    path: Path, tensors: dict[str, Tensor], read: Read, catalogue: Catalogue
) -> None:
    torch.save(tensors, path)
    loaded = read()
    save_model(loaded, path.with_suffix(".safetensors"))
    again = load_model(path.with_suffix(".safetensors"), catalogue)
    assert again.plans == loaded.plans
    assert again.costs == loaded.costs


def test_other_widths_do_not_fit(path: Path, tensors: dict[str, Tensor], read: Read) -> None:
    torch.save(tensors, path)
    with pytest.raises(InputError, match=r"net2 does not fit: .*feature.*check family and widths"):
        read((4, 7, 9))


@pytest.mark.parametrize("widths", [(4, 6), (4, 6, 9, 12)])
def test_another_number_of_widths(path: Path, tensors: dict[str, Tensor], read: Read, widths: tuple[int, ...]) -> None:
    torch.save(tensors, path)
    with pytest.raises(InputError, match=r"parts classifier, net1, net2, net3.*as many widths as it has branches"):
        read(widths)


@pytest.mark.parametrize("part", ["classifier", "net1", "net3"])
def test_a_missing_part(path: Path, tensors: dict[str, Tensor], read: Read, part: str) -> None:
    torch.save({name: tensor for name, tensor in tensors.items() if not name.startswith(part)}, path)
    with pytest.raises(InputError, match="has the parts"):
        read()


@pytest.mark.parametrize(
    "name",
    [
        "classifier.CondNet.0.weight",
        "classifier.CondNet.8.bias",
        "classifier.lastOut.weight",
        "net1.head_conv.0.weight",
        "net3.tail_conv.bias",
    ],
)
def test_a_missing_tensor(path: Path, tensors: dict[str, Tensor], read: Read, name: str) -> None:
    del tensors[name]
    torch.save(tensors, path)
    with pytest.raises(InputError) as caught:
        read()
    assert str(path) in str(caught.value)
    assert name.partition(".")[0] in caught.value.what


@pytest.mark.parametrize("tensor", [torch.tensor(1.0), torch.zeros(0, 3, 4, 4), torch.zeros(8)])
def test_a_classifier_of_another_shape(path: Path, tensors: dict[str, Tensor], read: Read, tensor: Tensor) -> None:
    torch.save({**tensors, "classifier.CondNet.0.weight": tensor}, path)
    with pytest.raises(InputError, match="classifier"):
        read()


def test_a_layer_that_the_family_does_not_have(path: Path, tensors: dict[str, Tensor], read: Read) -> None:
    torch.save({**tensors, "net2.body_conv.9.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"net2 has a layer 'body_conv\.9' that fsrcnn does not have"):
        read()


@pytest.mark.parametrize("name", ["optimizer.lr", "net0.head_conv.0.weight", "net.weight", "module.net1.weight", ""])
def test_a_tensor_of_no_part(path: Path, tensors: dict[str, Tensor], read: Read, name: str) -> None:
    torch.save({**tensors, name: torch.zeros(1)}, path)
    with pytest.raises(InputError, match="belongs to no part"):
        read()


@pytest.mark.parametrize("content", [{"params": {"a": 1}}, {"iteration": 3}, {1: torch.zeros(1)}, [torch.zeros(1)], 5])
def test_no_dictionary_of_tensors(path: Path, read: Read, content: object) -> None:
    torch.save(content, path)
    with pytest.raises(InputError, match="is no dictionary of tensors"):
        read()


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.write_text, (self.target, "executed")


@pytest.mark.parametrize("plain", [True, False])
def test_pickled_code_is_not_executed(path: Path, read: Read, tmp_path: Path, plain: bool) -> None:
    target = tmp_path / "trap"
    content = {"classifier.CondNet.0.weight": Trap(target)}
    if plain:
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match="can't be read as a checkpoint"):
        read()
    assert not target.exists()
    if plain:  # and it would have been written
        pickle.loads(path.read_bytes())
        assert target.exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello world", b"\x80\x04", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\x00" * 99]
)
def test_other_files_are_refused(path: Path, read: Read, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="can't be read as a checkpoint") as caught:
        read()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.filterwarnings("ignore")  # torch warns of some damages before it fails
def test_damaged_files_are_refused(path: Path, read: Read, zipped: bool) -> None:
    torch.save({"a": torch.zeros(5)}, path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    draw = random.Random(0)
    for _ in range(40):
        damaged = bytearray(data[: draw.randrange(len(data))])
        for _ in range(draw.randrange(3) if damaged else 0):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        with pytest.raises(InputError):
            read()


def test_a_missing_file(read: Read) -> None:
    with pytest.raises(InputError, match=r"can't be read as a checkpoint: .*No such file"):
        read()


def test_a_family_without_official_checkpoints(path: Path, tensors: dict[str, Tensor], read: Read) -> None:
    torch.save(tensors, path)
    with pytest.raises(InputError, match="there are no official checkpoints of fsrcnn"):
        read(family=replace(FSRCNN, rename_official=None))


def test_the_global_random_state_stays(path: Path, tensors: dict[str, Tensor], read: Read) -> None:
    torch.save(tensors, path)
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    read()
    assert torch.equal(torch.rand(3), expected)
