"""The deconvolution that trains by phases is the plain one, in both passes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from restoreroute_backbones.deconvolution import Deconvolution, Inside


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kernel", [5, 9])
@pytest.mark.parametrize("size", [(1, 1), (6, 5)])
def test_training_and_evaluation_are_one_function(scale: int, kernel: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    extra = (scale - kernel) % 2
    layer = Deconvolution(7, 3, kernel, stride=scale, padding=(kernel - scale + extra) // 2, output_padding=extra)
    features = torch.rand(2, 7, *size, requires_grad=True)
    weights = torch.rand(2, 3, size[0] * scale, size[1] * scale)
    found = []
    for mode in (True, False):
        layer.train(mode)
        layer.zero_grad()
        features.grad = None
        restored = layer(features)
        (restored * weights).sum().backward()
        assert features.grad is not None
        found.append([restored.detach(), features.grad.clone(), *(p.grad.clone() for p in layer.parameters())])
    for trained, evaluated in zip(*found, strict=True):
        torch.testing.assert_close(trained, evaluated, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_inside_is_what_needs_no_padding(scale: int, device: str) -> None:
    torch.manual_seed(0)
    extra = (scale - 9) % 2
    layer = Deconvolution(7, 3, 9, stride=scale, padding=(9 - scale + extra) // 2, output_padding=extra).to(device)
    features = torch.rand(2, 7, 9, 8, device=device)
    cut = layer.reach * scale
    with torch.no_grad():
        inside = Inside(layer)(features)
        expected = layer(features)[:, :, cut:-cut, cut:-cut]
    assert inside.shape == expected.shape
    if device == "cpu":
        torch.testing.assert_close(inside, expected, rtol=1e-5, atol=1e-5)


def test_it_is_a_transposed_convolution() -> None:
    assert isinstance(Deconvolution(4, 3, 9, stride=4), nn.ConvTranspose2d)
