"""torch.compile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from restoreroute.errors import InputError
from restoreroute.spec.options import NoOptions
from restoreroute.spec.runtime import Prepare

if TYPE_CHECKING:
    from torch import Tensor, nn

COMPILERS = ("g++", "clang++", "c++", "cl")


def build(_options: NoOptions) -> Prepare:
    """Networks are compiled at their first images, for all sizes.

    Raises:
        InputError: without a C++ compiler.
    """
    if not any(map(shutil.which, COMPILERS)):
        raise InputError("needs a C++ compiler", where="runtime compile", hint="install g++ or clang++")
    return prepare


def prepare(network: nn.Module, _to_onnx: Callable[[], bytes], /) -> Callable[[Tensor], Tensor]:
    """The network, compiled."""
    import torch

    compiled: Callable[[Tensor], Tensor] = torch.compile(network, dynamic=True)
    return compiled
