"""ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from restoreroute.errors import InputError
from restoreroute.spec.options import NoOptions
from restoreroute.spec.runtime import Prepare

if TYPE_CHECKING:
    from torch import Tensor, nn


def build(_options: NoOptions) -> Prepare:
    """Networks run in a session each, with as many threads as torch has.

    Raises:
        InputError: where a package is missing.
    """
    try:
        import onnx  # noqa: F401 (torch writes ONNX files with it)
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"needs the package {error.name}", where="runtime onnxruntime", hint="pip install 'restoreroute[onnx]'"
        ) from None

    def prepare(network: nn.Module, to_onnx: Callable[[], bytes], /) -> Callable[[Tensor], Tensor]:
        import torch

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(to_onnx(), options, providers=["CPUExecutionProvider"])

        def run(degraded: Tensor) -> Tensor:
            return torch.from_numpy(session.run(None, {"degraded": degraded.contiguous().numpy()})[0])

        return run

    return prepare
