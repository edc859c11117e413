"""What a backbone family is: one network design at many widths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from restoreroute.spec.offering import Offering

if TYPE_CHECKING:
    from torch import Tensor, nn

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


Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """What the tensors of a published checkpoint tell about the network that they are of.

    Attributes:
        channels: colour channels that it takes.
        options: of the family, as far as told; the others keep their defaults.
        scale: None where no tensor tells it.
    """

    width: int
    channels: int
    options: Mapping[str, Any] = field(default_factory=dict)
    scale: int | None = None


@dataclass(frozen=True, kw_only=True)
class OfficialLayout:
    """How published checkpoints of a family are laid out.

    Attributes:
        rename: a parameter's name in the checkpoint -> its name in this family's network; KeyError for a name that
            it does not know.
        original: the other way round, for messages; of several names the authors' own.
        recognise: names in the checkpoint and their shapes -> what the network is, or None if they do not tell its
            width.  Part of the tensors is enough to answer: the network is then built and compared with all of them.
        constants: parameters of this family's network that a checkpoint may leave out, because every fresh network
            has their values.
    """

    rename: Callable[[str], str]
    original: Callable[[str], str]
    recognise: Callable[[Mapping[str, Shape]], Recognised | None]
    constants: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Step:
    """A part of a network that runs by itself.

    Attributes:
        run: (B, C, h, w) -> (B, C', h * scale, w * scale).
        reach: how far an output depends on the input, in pixels of the input.
        scale: side of the output over side of the input.
        inner: as ``run`` without its padding, so that ``reach`` pixels of the input are lost at each side; None where
            the step has no such way.
    """

    run: Callable[[Tensor], Tensor]
    reach: int
    scale: int = 1
    inner: Callable[[Tensor], Tensor] | None = None


Chain = Sequence[Step]
"""Steps of which each takes what the one before it made."""


@dataclass(frozen=True, kw_only=True)
class BackboneFamily(Offering["nn.Module"]):
    """A family that recipes can name; capabilities are data, read before anything is built.

    Attributes:
        widths: the widths of the published routed model, narrowest first.
        quick_widths: widths that are multiples of this fill a processor's vectors, and so take little time for what
            they compute.
        width_scales: in words, what the width sets and what stays the same at every width.
        widths_for: widths to use for a given number of branches (at least 2), narrowest first.
        scales: the scales that the design serves.
        receptive_field: from the family's options and the scale, how far an output depends on its input: the
            greatest Chebyshev distance, in degraded pixels.  Meaningless where ``local`` is False.
        context: degraded pixels of real image around a part of an image, beyond which its networks' results hardly
            change; at most ``receptive_field`` is used, where the family is local.
        local: whether an output depends on a bounded neighbourhood only (not so with global pooling).
        size_multiple: sides of the input must be multiples of this.
        official: the layout of published checkpoints, or None where there are none.
        learns: whether its networks have anything to train.
        start_options: options that say only how training starts, not what a trained network computes.
        narrow: ``narrow(wide, network)`` fills a network with what matters most of a trained one that is as wide
            or wider, of the same options; None where the design has no such way.
        chains: a network as chains of steps, all from its input, whose outputs add up to what it computes; a piece of
            an image is then run without the context that later steps no longer need.  None: whole.
    """

    kind = "backbone family"

    build: BuildNetwork
    widths: tuple[int, ...]
    widths_for: Callable[[int], tuple[int, ...]]
    scales: frozenset[int]
    receptive_field: Callable[[Any, int], int]
    quick_widths: int = 16
    width_scales: str = "features of every hidden layer"
    context: int = 4
    local: bool = True
    size_multiple: int = 1
    official: OfficialLayout | None = None
    learns: bool = True
    start_options: frozenset[str] = frozenset({"initialisation"})
    narrow: Callable[[nn.Module, nn.Module], None] | None = None
    chains: Callable[[nn.Module], Sequence[Chain]] | None = None

    def facts(self) -> dict[str, Any]:
        return {
            "widths": self.widths,
            **({"quick widths": f"multiples of {self.quick_widths}"} if self.has_widths() else {}),
            "a width sets": self.width_scales,
            "scales": tuple(sorted(self.scales)),
            "context": self.context,
            "local": self.local,
            "learns": self.learns,
            "size multiple": self.size_multiple,
            "official checkpoints": self.official is not None,
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
