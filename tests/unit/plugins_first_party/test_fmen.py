"""FMEN: its reach, what its attention computes, and what stays at every width."""

from __future__ import annotations

import torch
from torch.nn import functional

from restoreroute_backbones.fmen import FMEN, FmenOptions
from restoreroute_backbones.fmen_network import GATE_WIDTH, Attention, Fmen


def test_the_published_reach_by_gradients() -> None:
    torch.manual_seed(0)
    network = FMEN.build(FmenOptions(), width=8, scale=4, channels=3).double()
    image = torch.rand(1, 3, 75, 75, dtype=torch.float64, requires_grad=True)

    network(image)[..., 4 * 37 : 4 * 38, 4 * 37 : 4 * 38].sum().backward()

    assert image.grad is not None
    rows, columns = image.grad.abs().amax(dim=(0, 1)).nonzero().T
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == [37 - 34, 37 + 34, 37 - 34, 37 + 34]
    assert FMEN.receptive_field(FmenOptions(), 4) == 34


def test_the_published_number_of_convolutions() -> None:
    network = FMEN.build(FmenOptions(), width=48, scale=4, channels=3)
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in network.modules()) == 34


def test_an_attention_weighs_its_input() -> None:
    torch.manual_seed(0)
    attention = Attention(6, pairs=2)
    features = torch.randn(2, 6, 7, 5)

    def conv(name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias = (attention.get_parameter(f"{name}.{kind}") for kind in ("weight", "bias"))
        return functional.conv2d(x, weight, bias, padding=1)

    inside = functional.leaky_relu(conv("squeeze", features), 0.1)
    for number in range(2):
        inside = functional.leaky_relu(conv(f"pairs.{number}.first", inside), 0.1)
        inside = conv(f"pairs.{number}.second", inside)
    gate = conv("excite", functional.leaky_relu(inside, 0.1)).sigmoid()
    torch.testing.assert_close(attention(features), features * gate)


def test_the_gate_stays_at_every_width() -> None:
    for width in (4, 48):
        network = FMEN.build(FmenOptions(blocks=1), width=width, scale=2, channels=3)
        assert isinstance(network, Fmen)
        squeezed = [layer.squeeze.out_channels for layer in network.modules() if isinstance(layer, Attention)]
        assert squeezed == [GATE_WIDTH] * 2
