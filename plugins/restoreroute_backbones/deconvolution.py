"""A transposed convolution that is faster on a CPU.

torch's own forward pass of a strided transposed convolution is slow there.  The same function is a convolution at
low resolution followed by a shuffle of pixels, which is twice as fast although it multiplies zeros: the kernel is laid
out as one small kernel for each of the scale x scale output phases.  Its backward pass is slower than torch's own, so
that one is kept.  On other devices the layer is a plain ``nn.ConvTranspose2d``, and its cost is counted as such.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Deconvolution(nn.ConvTranspose2d):
    """``nn.ConvTranspose2d`` of one group whose output is exactly ``stride`` times its input."""

    @property
    def reach(self) -> int:
        """How far an output depends on the input, in pixels of the input."""
        stride, padding, kernel = self.stride[0], int(self.padding[0]), self.kernel_size[0]
        return max((stride - 1 + padding) // stride, (kernel - 1 - padding) // stride)

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, C, h, w) -> (B, outputs, h * stride, w * stride)."""
        if features.device.type == "cpu" and not torch.is_grad_enabled():
            return by_phases(features, self.weight, self.bias, scale=self.stride[0], padding=int(self.padding[0]))
        if not (self.training and features.device.type == "cpu"):
            return super().forward(features, output_size)
        restored: Tensor = _PhaseConvolution.apply(  # type: ignore[no-untyped-call]
            features, self.weight, self.bias, self.stride[0], int(self.padding[0]), self.output_padding[0]
        )
        return restored


class Inside(nn.Module):
    """What a deconvolution makes of its input but for the outermost ``reach`` pixels, which are seen only.

    It is for inference and of the moment: the layer's weights are laid out when it is made.
    """

    def __init__(self, layer: Deconvolution) -> None:
        super().__init__()
        self.layer = layer
        self.scale, self.padding = layer.stride[0], int(layer.padding[0])
        with torch.no_grad():
            self.kernels = phase_kernels(layer.weight, scale=self.scale, padding=self.padding)
            self.biases = None if layer.bias is None else layer.bias.repeat(self.scale**2)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, outputs, (h - 2 * reach) * stride, (w - 2 * reach) * stride)."""
        if features.device.type == "cpu":
            return shuffle_phases(functional.conv2d(features, self.kernels, self.biases), self.scale)
        layer, cut = self.layer, self.padding + self.layer.reach * self.scale
        return functional.conv_transpose2d(features, layer.weight, layer.bias, self.scale, cut, layer.output_padding)


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


def by_phases(features: Tensor, weight: Tensor, bias: Tensor | None, *, scale: int, padding: int) -> Tensor:
    """A transposed convolution as a convolution and a shuffle of pixels.

    Args:
        features: (B, C, h, w).
        weight: (C, outputs, K, K) of the transposed convolution.
        bias: (outputs,).
        scale: stride.
        padding: of the transposed convolution.

    Returns:
        (B, outputs, h * scale, w * scale).
    """
    kernels = phase_kernels(weight, scale=scale, padding=padding)
    biases = None if bias is None else bias.repeat(scale**2)
    return shuffle_phases(functional.conv2d(features, kernels, biases, padding=kernels.shape[2] // 2), scale)


def phase_kernels(weight: Tensor, *, scale: int, padding: int) -> Tensor:
    """The kernels of a transposed convolution, one for each phase of its output.

    Output pixel scale * q + r takes input q + j through tap k = r - scale * j + padding.  With the taps counted from
    ``lead`` zeros earlier, k + lead = r + scale * (reach - j): a row for each j and a column for each phase r.

    Args:
        weight: (C, outputs, K, K).

    Returns:
        (scale * scale * outputs, C, taps, taps): row phases, column phases, outputs.
    """
    channels, outputs, kernel, _ = weight.shape
    reach = -(-padding // scale)
    lead = scale * reach - padding
    taps = 2 * reach + 1
    trail = scale * taps - kernel - lead
    phases = functional.pad(weight, (lead, trail, lead, trail)).reshape(channels, outputs, taps, scale, taps, scale)
    kernels = phases.permute(3, 5, 1, 0, 2, 4).reshape(scale**2 * outputs, channels, taps, taps).flip(2, 3)
    return kernels.contiguous(memory_format=torch.channels_last)


def shuffle_phases(phases: Tensor, scale: int) -> Tensor:
    """(B, scale * scale * outputs, h, w) -> (B, outputs, h * scale, w * scale), the colours of a pixel together."""
    batch, channels, height, width = phases.shape
    outputs = channels // scale**2
    rows = phases.permute(0, 2, 3, 1).reshape(batch, height, width, scale, scale * outputs).transpose(2, 3)
    return rows.reshape(batch, height * scale, width * scale, outputs).permute(0, 3, 1, 2)
