"""Networks as ONNX files, which other runtimes read."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Sequence

import torch
from torch import nn

OPSET = 17
EXAMPLE_SIDE = 32


def to_onnx(
    network: nn.Module, *, channels: int, output: str = "restored", output_axes: Sequence[int] = (2, 3)
) -> bytes:
    """A network as an ONNX file with one input, ``degraded``, whose batch, height and width are free.

    Args:
        network: with one tensor argument.
        channels: of its input.
        output: what its output is called.
        output_axes: axes of the output, beside the batch, whose length depends on the input.
    """
    file = io.BytesIO()
    network = copy.deepcopy(network).cpu().eval()
    with warnings.catch_warnings():
        # the exporter that is kept for networks like these announces its successor at every call
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, channels, EXAMPLE_SIDE, EXAMPLE_SIDE + 4),),
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=["degraded"],
            output_names=[output],
            dynamic_axes={
                "degraded": {0: "batch", 2: "height", 3: "width"},
                output: {0: "batch", **{axis: f"{output}_{axis}" for axis in output_axes}},
            },
        )
    return file.getvalue()
