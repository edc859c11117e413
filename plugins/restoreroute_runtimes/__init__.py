"""Runtimes that ship with restoreroute; each imports its package when it is built."""

from __future__ import annotations

from restoreroute import hookimpl
from restoreroute.spec.runtime import Runtime
from restoreroute_runtimes import compiled, eager, onnxruntime, openvino


@hookimpl
def restoreroute_runtimes() -> list[Runtime]:
    return [
        Runtime(
            name="torch",
            summary="PyTorch as it is, step by step",
            build=eager.build,
            devices=frozenset({"cpu", "cuda", "mps"}),
        ),
        Runtime(
            name="compile",
            summary="torch.compile: fused kernels, made within a minute at the first images",
            build=compiled.build,
            devices=frozenset({"cpu", "cuda"}),
        ),
        Runtime(name="onnxruntime", summary="ONNX Runtime on the CPU", build=onnxruntime.build),
        Runtime(name="openvino", summary="OpenVINO on the CPU", build=openvino.build),
    ]
