"""Where networks run in half the memory, and where they can't."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from restoreroute.spec.stages import StageOptions, Stages


def runs_in_bfloat16(device: torch.device, options: StageOptions) -> bool:
    """Whether a stage asks for bfloat16 on a device that computes in it: a CUDA GPU since Ampere."""
    return options.precision == "bfloat16" and _computes_in_bfloat16(device)


def forward_precision(device: torch.device, options: StageOptions) -> AbstractContextManager[object]:
    """What networks run under while they train; weights stay float32, and losses belong outside.

    Outputs may be bfloat16: ``.float()`` them before anything is compared.
    """
    if runs_in_bfloat16(device, options):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def missing_bfloat16(device: torch.device, stages: Stages) -> str | None:
    """What to tell a user whose recipe asks for bfloat16 on a device that can't; None if there is nothing to tell."""
    asked = [name for name, options in stages if options.total and options.precision == "bfloat16"]
    if not asked or _computes_in_bfloat16(device):
        return None
    return f"{device} does not compute in bfloat16: {', '.join(asked)} will run in float32"


def _computes_in_bfloat16(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
