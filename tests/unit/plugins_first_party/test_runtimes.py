"""Every runtime gives what torch gives, for every family."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restoreroute.app.plugins import open_catalogue
from restoreroute.app.runtimes import move
from restoreroute.errors import InputError
from restoreroute.inference.engine import restore_cells
from restoreroute.inference.seamless import Planner
from restoreroute.routing.model_file import Model
from restoreroute.routing.onnx_file import to_onnx
from restoreroute.routing.policies import Route
from restoreroute.spec.runtime import Runtime

NETWORKS: dict[str, tuple[dict[str, int | str], int, int]] = {
    "fsrcnn": ({}, 8, 4),
    "carn": ({}, 12, 4),
    "compact": ({"depth": 2, "skip": "bilinear"}, 8, 3),
    "disp": ({"blocks": 1}, 8, 2),
    "fmen": ({"blocks": 1}, 8, 4),
    "srresnet": ({"blocks": 2}, 8, 3),
    "rcan": ({"groups": 1, "blocks": 2}, 16, 2),
    "dncnn": ({"layers": 5}, 8, 1),
    "interpolate": ({}, 1, 3),
}
SIZES = [(1, 3, 33, 20), (3, 3, 24, 41)]
PACKAGES = {"torch": [], "onnxruntime": ["onnx", "onnxruntime"], "openvino": ["onnx", "openvino"]}


def runtime(name: str) -> Runtime:
    return open_catalogue().runtimes.get(name)


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    values, width, scale = NETWORKS[request.param]
    family = open_catalogue().backbones.get(request.param)
    torch.manual_seed(0)
    built = family.build(family.options.model_validate(values), width=width, scale=scale, channels=3).eval()
    with torch.no_grad():  # fresh networks hardly mix neighbours
        for parameter in built.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    built.to(memory_format=torch.channels_last)
    return built


def images() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(size, generator=generator).contiguous(memory_format=torch.channels_last) for size in SIZES]


@pytest.mark.parametrize("name", PACKAGES)
def test_equal_to_torch(name: str, network: nn.Module) -> None:
    for package in PACKAGES[name]:
        pytest.importorskip(package)
    offer = runtime(name)
    run = offer.build(offer.options())(network, partial(to_onnx, network, channels=3))
    with torch.inference_mode():
        outputs = [run(image) for image in images()]
        for image, output in zip(images(), outputs, strict=True):
            torch.testing.assert_close(output, network(image), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # torch.compile uses parts of torch that torch itself calls old
def test_compiled_is_equal_to_torch(network: nn.Module) -> None:
    offer = runtime("compile")
    run = offer.build(offer.options())(network, partial(to_onnx, network, channels=3))
    with torch.inference_mode():
        for image in images():
            torch.testing.assert_close(run(image), network(image), rtol=0, atol=1e-4)


def test_a_whole_image_is_routed_alike(model: Model) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    image = torch.rand(3, 120, 150, generator=torch.Generator().manual_seed(0))
    routes: Route = torch.randint(3, (10, 13), generator=torch.Generator().manual_seed(1)).numpy()
    regions = Planner.by_operations(model).merge(routes, 120, 150)
    expected = restore_cells(model.branches, image, regions.tiles, regions.route)

    moved = move(model, open_catalogue(), torch.device("cpu"), "onnxruntime")
    again = Planner.by_operations(moved).merge(routes, 120, 150)

    assert again.tiles == regions.tiles
    restored = restore_cells(moved.branches, image, again.tiles, again.route)
    torch.testing.assert_close(restored, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("onnxruntime", "onnxruntime", "onnx"), ("openvino", "openvino", "openvino"), ("openvino", "onnx", "openvino")],
)
def test_what_is_missing_is_said(name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setitem(sys.modules, package, None)
    offer = runtime(name)
    with pytest.raises(InputError) as error:
        offer.build(offer.options())
    assert str(error.value) == f"runtime {name}: needs the package {package} (pip install 'restoreroute[{extra}]')"


def test_a_compiler_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    offer = runtime("compile")
    with pytest.raises(InputError, match=r"needs a C\+\+ compiler"):
        offer.build(offer.options())


def test_a_runtime_for_another_device(model: Model) -> None:
    with pytest.raises(InputError, match="runs on cpu, not on cuda"):
        move(model, open_catalogue(), torch.device("cuda"), "openvino")


def test_it_is_described() -> None:
    facts: dict[str, Any] = runtime("torch").facts()
    assert facts == {"devices": ("cpu", "cuda", "mps")}
