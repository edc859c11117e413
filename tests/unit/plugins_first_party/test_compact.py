"""The compact family against published designs, which are written here in plain torch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from published import classifier
from torch import Tensor, nn
from torch.nn import functional

import restoreroute_backbones
from restoreroute.errors import InputError
from restoreroute.plugin.host import PluginHost
from restoreroute.routing.official import Checkpoint, read_checkpoint
from restoreroute_backbones.compact import COMPACT, CompactOptions, original, recognise, rename

Tensors = dict[str, Tensor]
Read = Callable[..., Checkpoint]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes an object to a file and reads that as a checkpoint of one of our families."""
    host = PluginHost()
    host.register(restoreroute_backbones, name="backbones", distribution="restoreroute")
    catalogue = host.catalogue()

    def write_and_read(content: object, **choices: Any) -> Checkpoint:
        torch.save(content, tmp_path / "published.pth")
        return read_checkpoint(tmp_path / "published.pth", catalogue, **choices)

    return write_and_read


def kernels(width: int, depth: int, scale: int, channels: int) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution."""
    generator = torch.Generator().manual_seed(width)
    sizes = [channels, *[width] * (depth + 1), channels * scale**2]
    return [
        (
            torch.randn(outputs, inputs, 3, 3, generator=generator) / (3 * inputs**0.5),
            torch.randn(outputs, generator=generator) / 10,
        )
        for inputs, outputs in pairwise(sizes)
    ]


def slopes(width: int, layers: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(layers)
    return [torch.rand(width, generator=generator) for _ in range(layers)]


def detail(image: Tensor, layers: list[tuple[Tensor, Tensor]], bent: list[Tensor] | None) -> Tensor:
    """What is added to the image, before the shuffle: (B, C, h, w) -> (B, C * scale**2, h, w)."""
    features = image
    for number, (weight, bias) in enumerate(layers):
        features = functional.conv2d(features, weight, bias, padding=1)
        if number < len(layers) - 1:
            features = features.relu() if bent is None else functional.prelu(features, bent[number])
    return features


def srvgg(layers: list[tuple[Tensor, Tensor]], bent: list[Tensor] | None) -> Tensors:
    """By the names of SRVGGNetCompact: a list in which convolutions and activations alternate."""
    tensors = {}
    for number, (weight, bias) in enumerate(layers):
        tensors[f"body.{2 * number}.weight"], tensors[f"body.{2 * number}.bias"] = weight, bias
    for number, slope in enumerate(bent or []):
        tensors[f"body.{2 * number + 1}.weight"] = slope
    return tensors


def ecbsr(layers: list[tuple[Tensor, Tensor]], bent: list[Tensor] | None, *, layer: str = "conv3x3.") -> Tensors:
    """By the names of plain ECBSR: a list of pairs."""
    tensors = {}
    for number, (weight, bias) in enumerate(layers):
        tensors[f"backbone.{number}.{layer}weight"], tensors[f"backbone.{number}.{layer}bias"] = weight, bias
    for number, slope in enumerate(bent or []):
        tensors[f"backbone.{number}.act.weight"] = slope
    return tensors


def computed(checkpoint: Checkpoint, image: Tensor) -> Tensor:
    ((_, network),) = checkpoint.branches
    with torch.inference_mode():
        restored: Tensor = network.eval()(image)
    return restored


@pytest.mark.parametrize(("width", "depth", "scale"), [(16, 4, 4), (7, 1, 2), (12, 16, 3), (8, 2, 1)])
@pytest.mark.parametrize("activation", ["prelu", "relu"])
def test_srvgg_net_compact(width: int, depth: int, scale: int, activation: str, read: Read) -> None:
    layers = kernels(width, depth, scale, 3)
    bent = slopes(width, depth + 1) if activation == "prelu" else None
    image = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    expected = functional.pixel_shuffle(detail(image, layers, bent), scale)
    expected = expected + functional.interpolate(image, scale_factor=float(scale), mode="nearest")

    checkpoint = read({"params": srvgg(layers, bent)})

    ((plan, _),) = checkpoint.branches
    assert (checkpoint.family, checkpoint.scale, checkpoint.scale_told, plan.width) == (COMPACT, scale, True, width)
    assert plan.options == CompactOptions(depth=depth, activation=activation)
    torch.testing.assert_close(computed(checkpoint, image), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("layer", ["conv3x3.", ""])
@pytest.mark.parametrize("activation", ["prelu", "relu"])
def test_plain_ecbsr(activation: str, layer: str, read: Read) -> None:
    """Its skip adds the one luminance channel to each of the values that are then shuffled into place."""
    layers = kernels(16, 4, 4, 1)
    bent = slopes(16, 5) if activation == "prelu" else None
    image = torch.rand(2, 1, 9, 7, generator=torch.Generator().manual_seed(0))
    expected = functional.pixel_shuffle(detail(image, layers, bent) + image, 4)

    checkpoint = read(ecbsr(layers, bent, layer=layer))

    ((plan, _),) = checkpoint.branches
    assert (checkpoint.family, checkpoint.scale, checkpoint.channels, plan.width) == (COMPACT, 4, 1, 16)
    assert plan.options == CompactOptions(depth=4, activation=activation)
    torch.testing.assert_close(computed(checkpoint, image), expected, rtol=0, atol=1e-5)


def test_a_routed_checkpoint_of_different_depths(read: Read) -> None:
    branches = [srvgg(kernels(width, depth, 2, 3), slopes(width, depth + 1)) for width, depth in ((4, 1), (8, 3))]
    named = {f"net{part}.{name}": t for part, tensors in enumerate(branches, 1) for name, t in tensors.items()}
    checkpoint = read(named | {f"classifier.{name}": tensor for name, tensor in classifier(2).items()})

    shapes = [(plan.width, plan.options.model_dump()["depth"]) for plan, _ in checkpoint.branches]
    assert shapes == [(4, 1), (8, 3)]


def test_options_that_no_tensor_tells_can_be_given(read: Read) -> None:
    tensors = srvgg(kernels(8, 1, 2, 3), None)
    image = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    nearest, bilinear = (computed(read(tensors, options={"skip": skip}), image) for skip in ("nearest", "bilinear"))

    enlarged = functional.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
    expected = nearest - functional.interpolate(image, scale_factor=2, mode="nearest") + enlarged
    torch.testing.assert_close(bilinear, expected, rtol=0, atol=1e-5)


def test_what_does_not_fit_is_named(read: Read) -> None:
    tensors = srvgg(kernels(8, 2, 2, 3), slopes(8, 3))
    del tensors["body.3.weight"]
    with pytest.raises(InputError, match=r"does not fit the closest family, compact: body\.3\.weight missing"):
        read(tensors)


def test_a_last_layer_of_no_scale_leaves_it_open() -> None:
    shapes = {"body.0.weight": (8, 3, 3, 3), "body.2.weight": (13, 8, 3, 3)}
    told = recognise(shapes)
    assert told is not None
    assert (told.width, told.channels, told.scale, told.options["depth"]) == (8, 3, None, 0)
    assert recognise({"body.1.weight": (8,)}) is None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("body.0.weight", "convs.0.weight"),
        ("body.5.weight", "activations.2.weight"),
        ("body.34.bias", "convs.17.bias"),
        ("backbone.3.conv3x3.bias", "convs.3.bias"),
        ("backbone.3.act.weight", "activations.3.weight"),
        ("backbone.3.weight", "convs.3.weight"),
    ],
)
def test_names(theirs: str, ours: str) -> None:
    assert rename(theirs) == ours
    assert rename(original(ours)) == ours


@pytest.mark.parametrize("name", ["", "body.weight", "body.1.conv.weight", "backbone.0.conv1x1.weight", "body.0.gain"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(KeyError):
        rename(name)


def test_training_keeps_what_gradients_need() -> None:
    """Activations in place would change what the backward pass of PReLU and SiLU reads."""
    image = torch.rand(1, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    for activation in ("prelu", "relu", "silu"):
        torch.manual_seed(0)
        options = CompactOptions(depth=1, activation=activation, initialisation="official")
        network: nn.Module = COMPACT.build(options, width=4, scale=2, channels=3).double()
        assert torch.autograd.gradcheck(network, image)
