"""Reading checkpoint files: wrappings, parts, and what is no checkpoint."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from restoreroute.errors import InputError
from restoreroute.routing.checkpoint_layout import read_parts
from restoreroute.routing.model_file import Model, save_model

ONE = {"head.weight": torch.arange(3.0), "tail.bias": torch.ones(2)}
ROUTED = {
    "classifier.a": torch.zeros(1),
    "net2.x.y": torch.tensor([2.0]),
    "net1.x.y": torch.tensor([1.0]),
    "net3.x.y": torch.tensor([3.0]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.pth"


def assert_one(path: Path) -> None:
    parts = read_parts(path)
    assert parts.classifier is None
    assert list(parts.branches) == [""]
    tensors = parts.branches[""]
    assert tensors.keys() == ONE.keys()
    assert all(torch.equal(tensors[name], ONE[name]) for name in ONE)


WRAPPED: dict[str, Callable[[dict[str, Tensor]], Any]] = {
    "bare": lambda tensors: tensors,
    "params": lambda tensors: {"params": tensors},
    "state_dict": lambda tensors: {"state_dict": tensors, "epoch": 7, "lr": [0.1]},
    "params_ema first": lambda tensors: {"params": {"worse": torch.zeros(1)}, "params_ema": tensors},
    "module": lambda tensors: {f"module.{name}": tensor for name, tensor in tensors.items()},
    "module in params": lambda tensors: {"params": {f"module.{name}": tensor for name, tensor in tensors.items()}},
    "parameters": lambda tensors: {name: torch.nn.Parameter(tensor) for name, tensor in tensors.items()},
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_wrappings(path: Path, wrap: Callable[[dict[str, Tensor]], Any]) -> None:
    torch.save(wrap(ONE), path)
    assert_one(path)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_safetensors(path: Path, prefix: str) -> None:
    path = path.with_suffix(".SafeTensors")
    save_file({f"{prefix}{name}": tensor for name, tensor in ONE.items()}, path)
    assert_one(path)


def test_a_prefix_of_some_names_only_is_part_of_them(path: Path) -> None:
    torch.save({"module.weight": torch.zeros(1), "bias": torch.zeros(1)}, path)
    assert read_parts(path).branches[""].keys() == {"module.weight", "bias"}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_routed_branches_come_in_their_order(path: Path, prefix: str) -> None:
    torch.save({"params": {f"{prefix}{name}": tensor for name, tensor in ROUTED.items()}}, path)
    parts = read_parts(path)
    assert list(parts.branches) == ["net1", "net2", "net3"]
    assert [tensors["x.y"].item() for tensors in parts.branches.values()] == [1, 2, 3]
    assert parts.classifier is not None
    assert list(parts.classifier) == ["a"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("classifier", "has the parts net1, net2, net3, expected classifier, net1, net2, net3"),
        ("net1", "has the parts classifier, net2, net3, expected classifier, net1, net2"),
        ("net2", "has the parts classifier, net1, net3, expected classifier, net1, net2"),
    ],
)
def test_a_missing_part(path: Path, missing: str, said: str) -> None:
    torch.save({name: tensor for name, tensor in ROUTED.items() if not name.startswith(missing)}, path)
    with pytest.raises(InputError, match=f"{said} .a routed checkpoint has a classifier and at least two"):
        read_parts(path)


@pytest.mark.parametrize("names", [["classifier.a"], ["net1.a"], ["classifier.a", "net1.a"]])
def test_fewer_than_two_branches(path: Path, names: list[str]) -> None:
    torch.save({name: torch.zeros(1) for name in names}, path)
    with pytest.raises(InputError, match="expected classifier, net1, net2"):
        read_parts(path)


@pytest.mark.parametrize("name", ["optimizer.lr", "net0.head.weight", "net.weight", "module.net1.weight", ""])
def test_a_tensor_of_no_part(path: Path, name: str) -> None:
    torch.save({**ROUTED, name: torch.zeros(1)}, path)
    with pytest.raises(InputError, match=f"has a tensor {name!r} that belongs to no part"):
        read_parts(path)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"params": {}},
        {"params": {"a": 1}},
        {"iteration": 3},
        {1: torch.zeros(1)},
        [torch.zeros(1)],
        5,
        {"a": torch.zeros(2, 2).to_sparse()},
        {"a": torch.zeros(2, device="meta")},
        {"a": torch.zeros(1).expand(10**9)},
    ],
    ids=["empty", "empty params", "number in params", "number", "no name", "list", "5", "sparse", "meta", "expanded"],
)
def test_no_dictionary_of_tensors(path: Path, content: object) -> None:
    torch.save(content, path)
    with pytest.raises(InputError, match=r"is no dictionary of tensors \(nor does it hold one as params_ema, params,"):
        read_parts(path)


@pytest.mark.parametrize("wrong", [float("nan"), float("-inf"), 1e300, 1j], ids=str)
@pytest.mark.parametrize("rest", [{}, ROUTED], ids=["one", "routed"])
def test_values_that_no_network_can_have(path: Path, wrong: complex, rest: dict[str, Tensor]) -> None:
    """Copied, a complex number would lose its imaginary part, and the others would make every result black."""
    kind = torch.complex64 if isinstance(wrong, complex) else torch.float64
    torch.save({**rest, "net1.x.y": torch.tensor([1, wrong], dtype=kind)}, path)
    with pytest.raises(InputError, match=r"net1\.x\.y holds values that are no finite real numbers"):
        read_parts(path)


def test_a_model_file_needs_no_reading(path: Path, make_model: Callable[..., Model]) -> None:
    path = path.with_suffix(".safetensors")
    save_model(make_model(4), path)
    with pytest.raises(InputError, match=r"is a model file already \(use it as it is\)"):
        read_parts(path)


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.write_text, (self.target, "executed")


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("wrap", [WRAPPED["bare"], WRAPPED["params"]], ids=["bare", "params"])
def test_pickled_code_is_not_executed(path: Path, tmp_path: Path, plain: bool, wrap: Callable[..., Any]) -> None:
    target = tmp_path / "trap"
    content = wrap({"classifier.CondNet.0.weight": Trap(target)})
    if plain:
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match="can't be read as a checkpoint"):
        read_parts(path)
    assert not target.exists()
    if plain:  # and it would have been written
        pickle.loads(path.read_bytes())
        assert target.exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello world", b"\x80\x04", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\x00" * 99]
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_other_files_are_refused(path: Path, content: bytes, suffix: str) -> None:
    path = path.with_suffix(suffix)
    path.write_bytes(content)
    with pytest.raises(InputError, match="can't be read as a checkpoint") as caught:
        read_parts(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.filterwarnings("ignore")  # torch warns of some damages before it fails
def test_damaged_files_are_refused(path: Path, zipped: bool) -> None:
    torch.save({"a": torch.zeros(5)}, path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    draw = random.Random(0)
    for _ in range(40):
        damaged = bytearray(data[: draw.randrange(len(data))])
        for _ in range(draw.randrange(3) if damaged else 0):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        with pytest.raises(InputError):
            read_parts(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_missing_file(path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match=r"can't be read as a checkpoint: .*No such file"):
        read_parts(path.with_suffix(suffix))
