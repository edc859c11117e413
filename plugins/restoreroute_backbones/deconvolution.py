"""A transposed convolution that trains faster on a CPU.

torch's own forward pass of a strided transposed convolution is slow there.  The same function is a convolution at
low resolution followed by a pixel shuffle, which is twice as fast although it multiplies zeros: the kernel is laid out
as one small kernel for each of the scale x scale output phases.  Its backward pass is slower than torch's own, so that
one is kept.  In evaluation the layer is a plain ``nn.ConvTranspose2d``, and its cost is counted as such.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Deconvolution(nn.ConvTranspose2d):
    """``nn.ConvTranspose2d`` of one group whose output is exactly ``stride`` times its input."""

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, C, h, w) -> (B, outputs, h * stride, w * stride)."""
        if not (self.training and torch.is_grad_enabled() and features.device.type == "cpu"):
            return super().forward(features, output_size)
        restored: Tensor = _PhaseConvolution.apply(  # type: ignore[no-untyped-call]
            features, self.weight, self.bias, self.stride[0], int(self.padding[0]), self.output_padding[0]
        )
        return restored


class _PhaseConvolution(torch.autograd.Function):
    """Forward by phases, backward by torch's transposed convolution."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, scale: int, padding: int, output_padding: int
    ) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.geometry = (scale, padding, output_padding)
        return by_phases(features, weight, bias, scale=scale, padding=padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        features, weight = ctx.saved_tensors
        scale, padding, output_padding = ctx.geometry
        to_features, to_weight, to_bias = torch.ops.aten.convolution_backward(
            gradients[0],
            features,
            weight,
            [weight.shape[1]],
            [scale, scale],
            [padding, padding],
            [1, 1],
            True,
            [output_padding, output_padding],
            1,
            list(ctx.needs_input_grad[:3]),
        )
        return to_features, to_weight, to_bias, None, None, None


def by_phases(features: Tensor, weight: Tensor, bias: Tensor, *, scale: int, padding: int) -> Tensor:
    """A transposed convolution as a convolution and a pixel shuffle.

    Output pixel scale * q + r takes input q + j through tap k = r - scale * j + padding.  With the taps counted from
    ``lead`` zeros earlier, k + lead = r + scale * (reach - j): a row for each j and a column for each phase r.

    Args:
        features: (B, C, h, w).
        weight: (C, outputs, K, K) of the transposed convolution.
        bias: (outputs,).
        scale: stride.
        padding: of the transposed convolution.

    Returns:
        (B, outputs, h * scale, w * scale).
    """
    channels, outputs, kernel, _ = weight.shape
    reach = -(-padding // scale)
    lead = scale * reach - padding
    taps = 2 * reach + 1
    trail = scale * taps - kernel - lead
    phases = functional.pad(weight, (lead, trail, lead, trail)).reshape(channels, outputs, taps, scale, taps, scale)
    kernels = phases.permute(1, 3, 5, 0, 2, 4).reshape(outputs * scale**2, channels, taps, taps).flip(2, 3)
    shuffled = functional.conv2d(
        features,
        kernels.contiguous(memory_format=torch.channels_last),
        bias.repeat_interleave(scale**2),
        padding=reach,
    )
    return functional.pixel_shuffle(shuffled, scale)
