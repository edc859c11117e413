"""The network of the fmen family: pairs of convolutions, each followed by an attention of local convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from restoreroute_backbones.enlarging import conv
from restoreroute_backbones.long_skip import Block, LongSkipNetwork
from restoreroute_backbones.narrowing import IMAGE, Wire
from restoreroute_backbones.steps import central

SLOPE = 0.1
GATE_WIDTH = 16
"""Features inside each attention, at every width of the network."""
FIRST_PAIRS = 2
"""Pairs of convolutions inside the first attention; the others have one."""


class Pair(nn.Module):
    """Convolution, leaky ReLU, convolution: the enhanced residual block as it is in inference.

    Its residual connections, which training may have, are part of the kernels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width)
        self.slope = nn.LeakyReLU(SLOPE, inplace=True)
        self.second = conv(width, width)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        restored: Tensor = self.second(self.slope(self.first(features)))
        return restored


class Attention(nn.Module):
    """Features times a weight in (0, 1) for each of them, which 16 features of their neighbourhood tell (HFAB)."""

    def __init__(self, width: int, pairs: int) -> None:
        super().__init__()
        self.squeeze = conv(width, GATE_WIDTH)
        self.pairs = nn.ModuleList(Pair(GATE_WIDTH) for _ in range(pairs))
        self.excite = conv(GATE_WIDTH, width)
        self.slope = nn.LeakyReLU(SLOPE, inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same, without the outermost ``reach`` pixels where convolutions do not pad."""
        inside = self.slope(self.squeeze(features))  # (B, 16, h, w)
        for pair in self.pairs:
            inside = pair(inside)
        gate: Tensor = self.excite(self.slope(inside))  # (B, C, h, w)
        return central(features, gate) * gate.sigmoid_()

    @property
    def reach(self) -> int:
        """How far an output depends on the features."""
        return 2 + 2 * len(self.pairs)


class AttentionBlock(Block):
    """A pair of convolutions (one convolution in the first block) and an attention."""

    def __init__(self, width: int, *, first: bool) -> None:
        super().__init__()
        self.body = conv(width, width) if first else Pair(width)
        self.attention = Attention(width, FIRST_PAIRS if first else 1)
        self.reach = (1 if first else 2) + self.attention.reach

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        restored: Tensor = self.attention(self.body(features))
        return restored


class Fmen(LongSkipNetwork):
    """The whole network.

    Args:
        width: features C outside the attentions.
        blocks: after the first one, which is always there.
        scale: side of the output over side of the input.
        channels: of the image.
    """

    def __init__(self, *, width: int, blocks: int, scale: int, channels: int) -> None:
        made = (AttentionBlock(width, first=number == 0) for number in range(blocks + 1))
        super().__init__(made, width=width, fuse=3, scale=scale, channels=channels)

    def wires(self) -> list[Wire]:
        """Each attention writes the features that it reads, so these are one space; its own stay as they are."""
        wires = [Wire(layer="head", reads=IMAGE, writes="shallow")]
        reads = "shallow"
        for number in range(len(self.blocks)):
            writes = f"block {number}"
            body = f"blocks.{number}.body"
            if number == 0:
                wires.append(Wire(layer=body, reads=reads, writes=writes))
            else:
                wires += pair_wires(body, reads=reads, inside=f"{writes} inside", writes=writes)
            pairs = 1 if number else FIRST_PAIRS
            wires += attention_wires(f"blocks.{number}.attention", pairs, features=writes)
            reads = writes
        wires.append(Wire(layer="fuse", reads=reads, writes="shallow"))
        wires.append(Wire(layer="tail", reads="shallow", writes=IMAGE, spread=self.scale**2))
        return wires


def pair_wires(name: str, *, reads: str, inside: str, writes: str) -> list[Wire]:
    """Of both convolutions of a pair."""
    return [
        Wire(layer=f"{name}.first", reads=reads, writes=inside),
        Wire(layer=f"{name}.second", reads=inside, writes=writes),
    ]


def attention_wires(name: str, pairs: int, *, features: str) -> list[Wire]:
    """Of an attention of that many pairs over a space of features."""
    space = f"{name} squeezed"
    wires = [Wire(layer=f"{name}.squeeze", reads=features, writes=space)]
    for number in range(pairs):
        before, space = space, f"{name} after {number}"
        wires += pair_wires(f"{name}.pairs.{number}", reads=before, inside=f"{space} inside", writes=space)
    return [*wires, Wire(layer=f"{name}.excite", reads=space, writes=features)]
