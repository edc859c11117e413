"""What runs a trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from restoreroute.spec.offering import Offering

if TYPE_CHECKING:
    from torch import Tensor, nn


class Prepare(Protocol):
    """How a runtime takes a network over."""

    def __call__(self, network: nn.Module, to_onnx: Callable[[], bytes], /) -> Callable[[Tensor], Tensor]:
        """Make what runs a network: float32 (B, C, h, w) -> (B, C, h * scale, w * scale) of any B, h and w.

        Args:
            network: in evaluation; returned as it is, it runs step by step.
            to_onnx: the same network as an ONNX file, made when called.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Runtime(Offering[Prepare]):
    """A runtime for the branches; the Class-Module always runs in torch, so that routes do not depend on it.

    ``build(options)`` raises an InputError that says what to install where a package is missing.

    Attributes:
        devices: types of device that it runs on.
    """

    kind = "runtime"

    devices: frozenset[str] = frozenset({"cpu"})

    def facts(self) -> dict[str, Any]:
        return {"devices": tuple(sorted(self.devices))}
