"""PyTorch as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from restoreroute.spec.options import NoOptions
from restoreroute.spec.runtime import Prepare

if TYPE_CHECKING:
    from torch import Tensor, nn


def build(_options: NoOptions) -> Prepare:
    """Networks run as they are."""
    return prepare


def prepare(network: nn.Module, _to_onnx: Callable[[], bytes], /) -> Callable[[Tensor], Tensor]:
    """The network itself, which an engine may run step by step."""
    return network
