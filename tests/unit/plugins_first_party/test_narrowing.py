"""Narrower networks from wide ones, on designs made for it; those of the families are in test_families.py."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from restoreroute_backbones.layers import FixedNorm
from restoreroute_backbones.narrowing import IMAGE, Wire, narrow


def plain(width: int) -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            first=nn.Conv2d(3, width, 3, padding=1),
            relu=nn.ReLU(),
            second=nn.Conv2d(width, width, 1),
            norm=FixedNorm(width),
            last=nn.Conv2d(width, 3, 3, padding=1),
        )
    )


def bent(width: int) -> nn.Module:
    slopes = nn.PReLU(width)
    nn.init.uniform_(slopes.weight)
    return nn.Sequential(
        OrderedDict(first=nn.Conv2d(3, width, 3, padding=1), slopes=slopes, last=nn.Conv2d(width, 3, 3, padding=1))
    )


def grouped(width: int) -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            first=nn.Conv2d(3, width, 3, padding=1),
            second=nn.Conv2d(width, width, 3, padding=1, groups=2),
            up=nn.Conv2d(width, 4 * width, 3, padding=1, groups=2),
            shuffle=nn.PixelShuffle(2),
            last=nn.Conv2d(width, 3, 1),
        )
    )


class Joined(nn.Module):
    """Reads one space twice, one copy after the other, and goes up by a transposed convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 1)
        self.join = nn.Conv2d(2 * width, width, 1)
        self.last = nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        features = self.first(image)
        output: Tensor = self.last(self.join(torch.cat([features, features.relu()], dim=1)))
        return output


DESIGNS: dict[str, tuple[Callable[[int], nn.Module], list[Wire], dict[str, str]]] = {
    "plain": (
        plain,
        [
            Wire(layer="first", reads=IMAGE, writes="a"),
            Wire(layer="second", reads="a", writes="b"),
            Wire(layer="last", reads="b", writes=IMAGE),
        ],
        {"norm": "b"},
    ),
    "bent": (
        bent,
        [
            Wire(layer="first", reads=IMAGE, writes="a", slopes="slopes"),
            Wire(layer="last", reads="a", writes=IMAGE),
        ],
        {},
    ),
    "grouped": (
        grouped,
        [
            Wire(layer="first", reads=IMAGE, writes="a"),
            Wire(layer="second", reads="a", writes="b", groups=2),
            Wire(layer="up", reads="b", writes="c", spread=4, groups=2),
            Wire(layer="last", reads="c", writes=IMAGE),
        ],
        {},
    ),
    "joined": (
        Joined,
        [
            Wire(layer="first", reads=IMAGE, writes="a"),
            Wire(layer="join", reads="a", writes="b", copies=2),
            Wire(layer="last", reads="b", writes=IMAGE, transposed=True),
        ],
        {},
    ),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_channels_that_do_nothing_are_the_ones_to_go(design: str) -> None:
    """Of a wide network that is a narrow one among channels of zeros, the narrow one is found again."""
    build, wires, norms = DESIGNS[design]
    torch.manual_seed(1)
    small, wide, found = build(8), build(16), build(8)
    spaces = sorted({space for wire in wires for space in (wire.reads, wire.writes)} - {IMAGE})
    places = {IMAGE: torch.arange(3)} | {space: some_of(16) for space in spaces}
    embed(small, wide, wires, norms, places)

    narrow(wide, found, wires, norms=norms)

    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(restored(wide, image), restored(small, image), rtol=0, atol=1e-5)
    torch.testing.assert_close(restored(found, image), restored(small, image), rtol=0, atol=1e-5)


def some_of(channels: int) -> Tensor:
    """Half of the channels, as many of each half, and the first three, which carry colours and always stay."""
    first = torch.cat([torch.arange(3), 3 + torch.randperm(channels // 2 - 3)[: channels // 4 - 3]])
    second = channels // 2 + torch.randperm(channels // 2)[: channels // 4].sort().values
    return torch.cat([first, second])


@torch.no_grad()
def embed(
    small: nn.Module, wide: nn.Module, wires: list[Wire], norms: dict[str, str], places: dict[str, Tensor]
) -> None:
    """Put a narrow network's weights at some channels of a wide one whose other weights are zero."""
    for wire in wires:
        source, target = small.get_submodule(wire.layer), wide.get_submodule(wire.layer)
        assert isinstance(source, nn.Conv2d | nn.ConvTranspose2d)
        assert isinstance(target, nn.Conv2d | nn.ConvTranspose2d)
        few, many = dense(source, wire), torch.zeros_like(dense(target, wire))
        width = many.shape[1] // wire.copies
        rows = (places[wire.writes][:, None] * wire.spread + torch.arange(wire.spread)).flatten()
        columns = torch.cat([places[wire.reads] + copy * width for copy in range(wire.copies)])
        many[rows[:, None], columns] = few
        target.weight.copy_(sparse(many, wire))
        assert source.bias is not None
        assert target.bias is not None
        target.bias.zero_()
        target.bias[rows] = source.bias
        if wire.slopes:
            few, many = (model.get_parameter(f"{wire.slopes}.weight") for model in (small, wide))
            many[rows] = few
    for name, space in norms.items():
        source, target = small.get_submodule(name), wide.get_submodule(name)
        for own, tensor in source.state_dict().items():
            if tensor.dim():  # not the count of batches
                target.state_dict()[own][places[space]] = tensor.uniform_(0.5, 2)


def dense(layer: nn.Conv2d | nn.ConvTranspose2d, wire: Wire) -> Tensor:
    """(outputs, inputs, k, k), zero between groups."""
    weight = layer.weight.transpose(0, 1) if wire.transposed else layer.weight
    blocks = [group.flatten(2).permute(2, 0, 1) for group in weight.chunk(wire.groups)]
    full = torch.stack([torch.block_diag(*(block[tap] for block in blocks)) for tap in range(blocks[0].shape[0])], 2)
    return full.reshape(*full.shape[:2], *weight.shape[2:])


def sparse(full: Tensor, wire: Wire) -> Tensor:
    """The other way round."""
    outputs, inputs = full.shape[0] // wire.groups, full.shape[1] // wire.groups
    parts = [
        full[number * outputs : (number + 1) * outputs, number * inputs : (number + 1) * inputs]
        for number in range(wire.groups)
    ]
    weight = torch.cat(parts)
    return weight.transpose(0, 1) if wire.transposed else weight


STACK = [
    Wire(layer="first", reads=IMAGE, writes="a"),
    Wire(layer="second", reads="a", writes="b"),
    Wire(layer="last", reads="b", writes=IMAGE),
]


@torch.no_grad()
def kept(
    written: list[float], read: list[float], wanted: int, *, bottlenecks: frozenset[str] = frozenset()
) -> list[int]:
    """Which channels of space a are kept, where they are written and read with such weights."""
    wide, network = stack(len(written)), stack(wanted)
    first, second = (wide.get_parameter(f"{layer}.weight") for layer in ("first", "second"))
    first[:] = torch.tensor(written)[:, None, None, None]
    second[:] = torch.tensor(read)[None, :, None, None]
    wide.get_parameter("first.bias").copy_(torch.arange(len(written)))
    narrow(wide, network, STACK, bottlenecks=bottlenecks)
    return [int(number) for number in network.get_parameter("first.bias")]


def stack(width: int) -> nn.Module:
    return nn.Sequential(
        OrderedDict(first=nn.Conv2d(3, width, 1), second=nn.Conv2d(width, 8, 1), last=nn.Conv2d(8, 3, 1))
    )


@pytest.mark.parametrize(
    ("wanted", "channels"),
    [
        pytest.param(4, [0, 1, 2, 4], id="more than colours"),
        pytest.param(3, [0, 1, 2], id="as many as colours"),
        pytest.param(2, [3, 4], id="fewer than colours"),
    ],
)
def test_the_first_channels_stay_where_they_fit(wanted: int, channels: list[int]) -> None:
    """They carry the image, whatever their weights; where they do not all fit nothing can."""
    assert kept([0.1, 0.1, 0.1, 1.0, 2.0], [1.0] * 5, wanted) == channels


@pytest.mark.parametrize("wanted", [2, 3, 4])
def test_a_bottleneck_carries_no_image(wanted: int) -> None:
    strongest = sorted([4, 3, 1, 2][:wanted])
    assert kept([0.1, 1.5, 1.0, 2.0, 4.0], [1.0] * 5, wanted, bottlenecks=frozenset({"a"})) == strongest


def test_a_channel_counts_by_what_writes_times_what_reads_it() -> None:
    written, read = [10.0, 2.0, 0.1, 1.0], [0.1, 1.0, 10.0, 3.0]
    assert kept(written, read, 1, bottlenecks=frozenset({"a"})) == [3]
    assert kept(written, read, 2, bottlenecks=frozenset({"a"})) == [1, 3]


@torch.no_grad()
@pytest.mark.parametrize("copy", [0, 1])
def test_every_copy_counts_as_read(copy: int) -> None:
    build, wires, _ = DESIGNS["joined"]
    wide, network = build(6), build(4)
    read = wide.get_parameter("join.weight")
    read.fill_(0.01)
    read[:, 6 * copy + 4] = 1
    wide.get_parameter("first.weight").fill_(1)
    wide.get_parameter("first.bias").copy_(torch.arange(6))
    narrow(wide, network, wires)
    assert network.get_parameter("first.bias").tolist() == [0, 1, 2, 4]


def test_the_error_is_about_the_first_layer_that_is_too_narrow() -> None:
    for width in (5, 6, 7):
        with pytest.raises(ValueError, match=f"there are 4 channels after first, not enough for {width}"):
            narrow(plain(4), plain(width), DESIGNS["plain"][1], norms=DESIGNS["plain"][2])


def test_nothing_of_the_wide_network_changes() -> None:
    build, wires, norms = DESIGNS["plain"]
    wide, network = build(8), build(8)
    narrow(wide, network, wires, norms=norms)
    before = {name: tensor.clone() for name, tensor in wide.state_dict().items()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(7)
    assert all(torch.equal(tensor, before[name]) for name, tensor in wide.state_dict().items())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu() -> None:
    build, wires, norms = DESIGNS["grouped"]
    torch.manual_seed(1)
    wide, network, other = build(16), build(8), build(8).cuda()
    narrow(wide, network, wires, norms=norms)
    narrow(wide.cuda(), other, wires, norms=norms)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name].cpu(), tensor, rtol=0, atol=0)


def restored(network: nn.Module, image: Tensor) -> Tensor:
    with torch.inference_mode():
        output: Tensor = network.eval()(image)
    return output
