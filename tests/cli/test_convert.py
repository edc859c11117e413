"""``restoreroute convert``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import published
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from restoreroute.app.plugins import open_catalogue
from restoreroute.imaging.io import read_image, write_image
from restoreroute.routing.model_file import load_model
from restoreroute_backbones.fsrcnn import FSRCNN
from restoreroute_backbones.rcan import RCAN
from restoreroute_backbones.srresnet import SRRESNET


@pytest.fixture
def convert(command: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: command("convert", *arguments)


@pytest.fixture
def rcan() -> dict[str, Tensor]:
    return published.authors_names(RCAN, published.make(RCAN, width=16, groups=1, blocks=2, scale=2))


@pytest.fixture
def routed(here: Path) -> Path:
    """A routed FSRCNN in the working folder."""
    branches = [published.authors_names(FSRCNN, published.make(FSRCNN, width=width)) for width in (4, 6)]
    torch.save({"params": published.routed(*branches)}, here / "routed.pth")
    return here / "routed.pth"


def test_a_routed_checkpoint_becomes_a_model_that_restores(
    convert: Callable[..., Any], command: Callable[..., Any], routed: Path, here: Path
) -> None:
    done = convert("routed.pth", "-o", "model.safetensors")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "family: fsrcnn",
        "task: super_resolution",
        "scale: 4  (the tensors do not tell; --scale sets another)",
        "branch 1: width 4, parameters 6627",
        "branch 2: width 6, parameters 7315",
        "Class-Module: width 8, parameters 962",
        "routed.pth -> model.safetensors",
    ]
    model = load_model(here / "model.safetensors", open_catalogue())
    assert model.summary == {"source": "routed.pth"}
    assert set(model.providers) == {"backbone family fsrcnn", "task super_resolution"}

    write_image(here / "in.png", np.full((9, 14, 3), 99, np.uint8))
    assert command("restore", "--model", "model.safetensors", "in.png", "-o", "out.png").code == 0
    assert read_image(here / "out.png").shape == (36, 56, 3)


def test_one_network(convert: Callable[..., Any], rcan: dict[str, Tensor], here: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in rcan.items()}, here / "one.safetensors")

    done = convert("one.safetensors", "-o", "model.safetensors")

    assert (done.code, done.err) == (0, "")
    assert "scale: 2\n" in done.out
    assert "branch 1: width 16, groups 1, blocks 2, value_range 255, parameters " in done.out
    assert "Class-Module" not in done.out
    model = load_model(here / "model.safetensors", open_catalogue())
    assert model.class_module is None
    assert model.task.bound.scale == 2


def test_choices(convert: Callable[..., Any], routed: Path, rcan: dict[str, Tensor], here: Path) -> None:
    torch.save(rcan, here / "rcan.pth")

    done = convert(
        "routed.pth", "-o", "a.safetensors", "--family", "fsrcnn", "--scale", 3, "--task", "super_resolution"
    )
    assert done.code == 0
    assert "scale: 3  (" in done.out
    done = convert(
        "rcan.pth", "-o", "b.safetensors", "--option", "value_range=1", "--option", "initialisation=official"
    )
    assert done.code == 0
    assert "value_range 1," in done.out
    (plan,) = load_model(here / "b.safetensors", open_catalogue()).plans
    assert plan.options.model_dump()["initialisation"] == "official"


def test_a_file_that_exists_is_kept_unless_forced(convert: Callable[..., Any], routed: Path, here: Path) -> None:
    output = here / "model.safetensors"
    output.write_text("precious")

    done = convert("routed.pth", "-o", "model.safetensors")
    assert done.code == 2
    assert done.error == "model.safetensors: exists already (--force replaces it)"
    assert output.read_text() == "precious"

    assert convert("routed.pth", "-o", "model.safetensors", "--force").code == 0
    assert len(load_model(output, open_catalogue()).plans) == 2


def test_a_misfit_writes_nothing(convert: Callable[..., Any], here: Path) -> None:
    tensors = published.authors_names(SRRESNET, published.make(SRRESNET, width=4, blocks=2))
    del tensors["recon_trunk.1.conv2.bias"]
    torch.save(tensors, here / "broken.pth")
    (here / "model.safetensors").write_text("precious")

    done = convert("broken.pth", "-o", "model.safetensors", "--force")

    assert done.code == 2
    assert done.error == "broken.pth: does not fit the closest family, srresnet: recon_trunk.1.conv2.bias missing"
    assert (here / "model.safetensors").read_text() == "precious"


class Trap:
    """Unpickling it writes a file."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.write_text, (Path("trap"), "executed")


def test_pickled_code_is_not_executed(convert: Callable[..., Any], here: Path) -> None:
    torch.save({"params": Trap()}, here / "trap.pth")

    done = convert("trap.pth", "-o", "model.safetensors")

    assert done.code == 2
    assert done.error.startswith("trap.pth: can't be read as a checkpoint: ")
    assert [path.name for path in here.iterdir()] == ["trap.pth"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--family", "fsrcn"], "routed.pth: unknown backbone family 'fsrcn' (did you mean 'fsrcnn'?"),
        (["--family", "dncnn"], "routed.pth: there are no official checkpoints of dncnn"),
        (["--task", "super_resolutoin"], "routed.pth: unknown task 'super_resolutoin' (did you mean"),
        (
            ["--task", "gaussian_denoising"],
            "routed.pth: is for scale 4 and 3 colour channels, task gaussian_denoising for scale 1 and 3",
        ),
        (["--scale", "5"], "routed.pth: net1 does not fit the closest family, fsrcnn: the family serves scale 2, 3, 4"),
        (["--option", "blocks=3"], "fsrcnn: the family has no option 'blocks'"),
        (["--option", "a..b=3"], "override a..b=3: 'a..b' is no key"),
        (["--option", "blocks=3", "-o", "missing/model.safetensors"], "the family has no option 'blocks'"),
        (["-o", "missing/model.safetensors"], "missing/model.safetensors: can't be written"),
    ],
)
def test_wrong_choices(arguments: list[str], said: str, convert: Callable[..., Any], routed: Path, here: Path) -> None:
    done = convert("routed.pth", "-o", "model.safetensors", *arguments)

    assert done.code in (1, 2)
    assert said in done.error
    assert [path.name for path in here.iterdir()] == ["routed.pth"]


@pytest.mark.parametrize("text", ["blocks", "=3", ""])
def test_an_option_is_key_and_value(text: str, convert: Callable[..., Any], routed: Path) -> None:
    done = convert("routed.pth", "-o", "model.safetensors", "--option", text)

    assert done.code == 2
    assert f"{text!r} is not KEY=VALUE" in done.err


def test_grey_networks_have_no_task(convert: Callable[..., Any], here: Path) -> None:
    network = published.make(FSRCNN, width=4, channels=1)
    torch.save(published.authors_names(FSRCNN, network), here / "grey.pth")

    done = convert("grey.pth", "-o", "model.safetensors")

    assert done.code == 2
    assert done.error.startswith(
        "grey.pth: is for scale 4 and 1 colour channels, task super_resolution for scale 4 and 3"
    )
