"""What a backbone family is: one network design at many widths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from restoreroute.spec.offering import Offering

if TYPE_CHECKING:
    from torch import nn

    from restoreroute.spec.options import Options


class BuildNetwork(Protocol):
    """How a family makes one network."""

    def __call__(self, options: Any, /, *, width: int, scale: int, channels: int) -> nn.Module:
        """Make a network that maps (B, channels, h, w) in [0, 1] to (B, channels, h*scale, w*scale).

        It is called under a seeded random state of its own, so weights may be drawn from torch's default
        generator.

        Raises:
            ValueError: for a width that the design can't have.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class BackboneFamily(Offering["nn.Module"]):
    """A family that recipes can name; capabilities are data, read before anything is built.

    Attributes:
        widths: the widths of the published routed model, narrowest first.
        widths_for: widths to use for a given number of branches (at least 2), narrowest first.
        scales: the scales that the design serves.
        receptive_field: from the family's options and the scale, how far an output depends on its input: the
            greatest Chebyshev distance, in degraded pixels.  Meaningless where ``local`` is False.
        local: whether an output depends on a bounded neighbourhood only (not so with global pooling).
        size_multiple: sides of the input must be multiples of this.
        rename_official: turns a parameter name of the published checkpoints into this network's, or None where
            no such checkpoints exist.  It raises KeyError for a name that it does not know.
        learns: whether its networks have anything to train.
        start_options: options that say only how training starts, not what a trained network computes.
        narrow: ``narrow(wide, network)`` fills a network with what matters most of a trained one that is as wide
            or wider, of the same options; None where the design has no such way.
    """

    kind = "backbone family"

    build: BuildNetwork
    widths: tuple[int, ...]
    widths_for: Callable[[int], tuple[int, ...]]
    scales: frozenset[int]
    receptive_field: Callable[[Any, int], int]
    local: bool = True
    size_multiple: int = 1
    rename_official: Callable[[str], str] | None = None
    learns: bool = True
    start_options: frozenset[str] = frozenset({"initialisation"})
    narrow: Callable[[nn.Module, nn.Module], None] | None = None

    def facts(self) -> dict[str, Any]:
        return {
            "widths": self.widths,
            "scales": tuple(sorted(self.scales)),
            "local": self.local,
            "learns": self.learns,
            "size multiple": self.size_multiple,
            "official checkpoints": self.rename_official is not None,
            "starts from a wider network": self.narrow is not None,
        }

    def has_widths(self) -> bool:
        """Whether there is more than one width to choose from."""
        return len(self.widths) > 1


def network_name(family: BackboneFamily, width: int, options: Options) -> str:
    """A short name for one network: the family, its width, and what its options change in what it computes."""
    changed = options.model_dump(exclude_defaults=True, exclude=set(family.start_options))
    extras = "".join(f" {key}={value}" for key, value in changed.items())
    return f"{family.name}-{width}{extras}" if family.has_widths() else f"{family.name}{extras}"
