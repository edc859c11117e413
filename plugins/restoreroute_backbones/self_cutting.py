"""Families whose networks say themselves how they fall into segments and how their layers are wired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from torch import nn

    from restoreroute.spec.backbone import Step
    from restoreroute_backbones.narrowing import Wire


class SelfCutting(Protocol):
    """What such a network has besides its forward pass."""

    def segments(self) -> list[list[Step]]:
        """Chains, all from the network's input, whose outputs add up to what the network computes."""
        ...

    def wires(self) -> list[Wire]:
        """Every convolution, with the spaces that it reads and writes."""
        ...


def chains(network: nn.Module) -> list[list[Step]]:
    """A family's ``chains``: the network's own segments."""
    return cast("SelfCutting", network).segments()


def narrow(wide: nn.Module, network: nn.Module) -> None:
    """A family's ``narrow``: the channels that matter most are kept, of the wires that the network names.

    An image enlarged beside the network carries the colours, so no channel is kept for being among the first.

    Raises:
        ValueError: if the network is wider than the one to take from.
    """
    from restoreroute_backbones.narrowing import narrow as narrow_by_wires

    wires = cast("SelfCutting", network).wires()
    narrow_by_wires(wide, network, wires, bottlenecks={wire.writes for wire in wires})
