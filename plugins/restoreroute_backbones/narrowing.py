"""A narrower network from the channels that matter most in a wide one.

A network's layers read and write *spaces*: sets of channels that belong together, because a skip connection adds them
or because one layer reads what another wrote.  A family says which layer reads and writes which space; what is kept of
a space is then the same for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

IMAGE = "image"
"""The space of colours, which is kept whole."""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One layer between two spaces.

    Attributes:
        layer: its name in the network.
        reads: the space that it reads.
        writes: the space that it writes.
        copies: how many times its input holds the space read, one after the other.
        spread: its output channels for each channel written: step**2 before a pixel shuffle.
        groups: groups of the convolution; as many channels of each group are kept.
        transposed: whether it is a transposed convolution, whose weight has inputs first.
        slopes: the layer of slopes that follows it, one for each channel written, or None.
    """

    layer: str
    reads: str
    writes: str
    copies: int = 1
    spread: int = 1
    groups: int = 1
    transposed: bool = False
    slopes: str | None = None


def narrow(
    wide: nn.Module,
    network: nn.Module,
    wires: Sequence[Wire],
    *,
    norms: Mapping[str, str] | None = None,
    bottlenecks: Collection[str] = (),
) -> None:
    """Fill ``network`` with what matters most of ``wide``.

    A channel counts by the norm of all weights that write it times the norm of all that read it.  The first channels
    of every space, one per colour, carry the image where training started as an interpolation, and are always kept
    where there is room for all of them.

    Args:
        wide: a network that is as wide or wider.
        network: of the same design and options.
        wires: every convolution.
        norms: normalisation layers and the spaces that they scale.
        bottlenecks: spaces that carry no image: none of their channels is kept for being among the first.

    Raises:
        ValueError: if the network is wider than the one to take from.
    """
    import torch

    full = {name: tensor.cpu() for name, tensor in wide.state_dict().items()}
    small = network.state_dict()
    groups: dict[str, int] = {}
    for wire in wires:
        for space in (wire.reads, wire.writes):
            groups[space] = max(groups.get(space, 1), wire.groups)
    kept = {IMAGE: torch.arange(_colours(full, wires))}
    for space in groups:
        if space != IMAGE:
            carried = 0 if space in bottlenecks else len(kept[IMAGE])
            kept[space] = _most_important(full, small, wires, space, groups[space], carried=carried)
    filled = dict(full)
    for wire in wires:
        filled.update(_cut(full, wire, kept))
    for layer, space in (norms or {}).items():
        for name in ("weight", "bias", "running_mean", "running_var"):
            filled[f"{layer}.{name}"] = full[f"{layer}.{name}"][kept[space]]
    network.load_state_dict(filled)


def _weight(state: Mapping[str, Tensor], wire: Wire) -> Tensor:
    """(outputs, inputs of a group, k, k) whatever the kind of layer."""
    weight = state[f"{wire.layer}.weight"]
    return weight.transpose(0, 1) if wire.transposed else weight


def _colours(state: Mapping[str, Tensor], wires: Sequence[Wire]) -> int:
    return next(_weight(state, wire).shape[1] for wire in wires if wire.reads == IMAGE)


def _most_important(
    full: Mapping[str, Tensor],
    small: Mapping[str, Tensor],
    wires: Sequence[Wire],
    space: str,
    groups: int,
    carried: int,
) -> Tensor:
    """Channels of a space to keep, ascending, as many from each group; the first ``carried`` if all of them fit."""
    import torch

    writers = [wire for wire in wires if wire.writes == space]
    readers = [wire for wire in wires if wire.reads == space]
    wanted = _weight(small, writers[0]).shape[0] // writers[0].spread
    there = _weight(full, writers[0]).shape[0] // writers[0].spread
    if wanted > there:
        raise ValueError(f"there are {there} channels after {writers[0].layer}, not enough for {wanted}")
    written = sum(_weight(full, wire).reshape(there, -1).square().sum(dim=1) for wire in writers)
    read = sum(_read_norm(_weight(full, wire), wire, there) for wire in readers)
    importance = (torch.as_tensor(written) * torch.as_tensor(read)).cpu()
    if wanted >= carried:
        importance[:carried] = torch.inf
    per_group = importance.reshape(groups, -1)
    best = per_group.topk(wanted // groups, dim=1).indices.sort(dim=1).values
    start = torch.arange(groups)[:, None] * (there // groups)
    return (best + start).flatten()


def _read_norm(weight: Tensor, wire: Wire, channels: int) -> Tensor:
    """Squared norm of what reads each channel of a space, summed over its copies."""
    outputs, per_group = weight.shape[:2]
    squares = weight.reshape(wire.groups, outputs // wire.groups, per_group, -1).square().sum(dim=(1, 3))
    return squares.reshape(wire.copies, channels).sum(dim=0)


def _cut(full: Mapping[str, Tensor], wire: Wire, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A layer's weight and bias, reduced to the channels that are kept."""
    import torch

    weight, bias = _weight(full, wire), full.get(f"{wire.layer}.bias")
    outputs = (kept[wire.writes][:, None] * wire.spread + torch.arange(wire.spread)).flatten()
    channels = weight.shape[1] * wire.groups // wire.copies
    inputs = (torch.arange(wire.copies)[:, None] * channels + kept[wire.reads]).flatten()
    inputs = inputs.reshape(wire.groups, -1) % weight.shape[1]  # (groups, kept in a group), counted within the group
    rows = weight[outputs].reshape(wire.groups, -1, *weight.shape[1:])
    small = torch.cat([group[:, columns] for group, columns in zip(rows, inputs, strict=True)])
    cut = {f"{wire.layer}.weight": small.transpose(0, 1) if wire.transposed else small}
    if bias is not None:
        cut[f"{wire.layer}.bias"] = bias[outputs]
    if wire.slopes is not None:
        cut[f"{wire.slopes}.weight"] = full[f"{wire.slopes}.weight"][outputs]
    return cut
