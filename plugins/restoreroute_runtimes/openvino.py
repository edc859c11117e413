"""OpenVINO."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from restoreroute.errors import InputError
from restoreroute.spec.options import NoOptions
from restoreroute.spec.runtime import Prepare

if TYPE_CHECKING:
    from torch import Tensor, nn


def build(_options: NoOptions) -> Prepare:
    """Networks are compiled for the CPU, in single precision, with as many threads as torch has.

    Raises:
        InputError: where a package is missing.
    """
    try:
        import onnx  # noqa: F401 (torch writes ONNX files with it)
        import openvino
    except ImportError as error:
        raise InputError(
            f"needs the package {error.name}", where="runtime openvino", hint="pip install 'restoreroute[openvino]'"
        ) from None

    def prepare(network: nn.Module, to_onnx: Callable[[], bytes], /) -> Callable[[Tensor], Tensor]:
        import torch

        core = openvino.Core()
        settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
        compiled = core.compile_model(core.read_model(io.BytesIO(to_onnx())), "CPU", settings)

        def run(degraded: Tensor) -> Tensor:
            # a copy: the next call writes its result to the same place
            return torch.from_numpy(compiled(degraded.contiguous().numpy())[0].copy())

        return run

    return prepare
