"""Narrower networks of every family keep what matters most of a wide one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from families import (
    EVERY_SCALE,
    RCAN,
    Case,
    check_start,
    disturbed,
    each_family,
    each_scale,
)
from torch import nn

from restoreroute_backbones import narrowing
from restoreroute_backbones.layers import MeanShift
from restoreroute_backbones.narrowing import IMAGE, Wire


class TestNarrowing:
    @each_scale
    @torch.no_grad()
    def test_to_the_same_width_is_the_same_function(self, case: Case, scale: int) -> None:
        wide, other = disturbed(case.build(scale)), case.build(scale).double()
        image = torch.rand(1, 3, 6, 5, dtype=torch.float64)
        assert not torch.allclose(other(image), wide(image))
        narrow(case, wide, other)
        torch.testing.assert_close(other(image), wide(image), rtol=1e-9, atol=1e-9)

    @each_scale
    def test_an_interpolation_stays_one(self, case: Case, scale: int) -> None:
        wide = case.build(scale, width=case.wider)
        for width in (case.smallest, case.width):
            network = case.build(scale, width=width, initialisation="official")
            narrow(case, wide, network)
            check_start(case, network, scale)

    @each_family
    def test_nothing_narrows_to_something_wider(self, case: Case) -> None:
        scale = max(case.scales)
        said = rf"there are {case.width} channels after \S+, not enough for {case.wider}"
        network = case.build(scale, width=case.wider)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        with pytest.raises(ValueError, match=said):
            narrow(case, case.build(scale), network)
        assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())

    @pytest.mark.parametrize(
        ("case", "scale"), [*EVERY_SCALE, pytest.param(replace(RCAN, width=64, wider=80), 2, id="rcan, wider")]
    )
    @torch.no_grad()
    def test_channels_that_matter_to_nothing_are_dropped(
        self, case: Case, scale: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every space gets a choice of its own, so that two which are really one would show."""
        wide, network = disturbed(case.build(scale, width=case.wider)), case.build(scale).double()
        wires = declared_wires(case, wide, monkeypatch)
        convolutions = {
            name
            for name, layer in wide.named_modules()
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and not isinstance(layer, MeanShift)
        }
        assert sorted(wire.layer for wire in wires) == sorted(convolutions)
        image = torch.rand(1, 3, 6, 5, dtype=torch.float64)
        before = wide(image)
        make_idle(wide, network, wires)
        expected = wide(image)
        assert not torch.allclose(expected, before)
        narrow(case, wide, network)
        torch.testing.assert_close(network(image), expected, rtol=1e-9, atol=1e-9)


def narrow(case: Case, wide: nn.Module, network: nn.Module) -> None:
    assert case.described.narrow is not None
    case.described.narrow(wide, network)


def declared_wires(case: Case, network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> list[Wire]:
    """What the family tells the narrowing about its layers."""
    told: list[Wire] = []

    def listen(wide: nn.Module, network: nn.Module, wires: list[Wire], **_: Any) -> None:
        told.extend(wires)

    with monkeypatch.context() as patch:
        patch.setattr(narrowing, "narrow", listen)
        narrow(case, network, network)
    return told


def make_idle(wide: nn.Module, network: nn.Module, wires: list[Wire]) -> None:
    """Zero what writes and reads all but as many channels of each space as the narrower network has."""
    generator = torch.Generator().manual_seed(3)
    idle: dict[str, list[int]] = {IMAGE: []}
    groups: dict[str, int] = {}
    for wire in wires:
        for space in (wire.reads, wire.writes):
            groups[space] = max(wire.groups, groups.get(space, 1))
    for wire in wires:
        if wire.writes in idle:
            continue
        there, wanted = (outputs(model, wire) // wire.spread for model in (wide, network))
        per_group = there // groups[wire.writes]
        space = wire.writes
        idle[space] = []
        for group in range(groups[space]):
            order = torch.randperm(per_group, generator=generator) + group * per_group
            first = order < 3  # these are always kept, where they may carry the image
            order = torch.cat([order[~first], order[first]] if is_bottleneck(space) else [order[first], order[~first]])
            idle[space] += order[wanted // groups[space] :].tolist()
    for wire in wires:
        weight = wide.get_parameter(f"{wire.layer}.weight")
        if wire.transposed:
            weight = weight.transpose(0, 1)
        for channel in idle[wire.writes]:
            weight[channel * wire.spread : (channel + 1) * wire.spread] = 0
        inputs, rows = weight.shape[1], weight.shape[0] // wire.groups
        read = inputs * wire.groups // wire.copies
        for channel in idle[wire.reads]:
            for position in range(channel, read * wire.copies, read):
                group = position // inputs
                weight[group * rows : (group + 1) * rows, position % inputs] = 0


def outputs(model: nn.Module, wire: Wire) -> int:
    return model.get_parameter(f"{wire.layer}.weight").shape[1 if wire.transposed else 0]


def is_bottleneck(space: str) -> bool:
    """Whether it is that of an attention."""
    return space.endswith("bottleneck")
