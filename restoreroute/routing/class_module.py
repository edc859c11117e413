"""The Class-Module: which branch a patch needs."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4
FEATURES = 32
SLOPE = 0.1
CONTRAST_GAIN = 5.0
"""Brings the response to typical local contrast (some 0.08 of the range) to about 1."""


class ClassModule(nn.Module):
    """Sub-image -> one logit per branch (paper section 3.2; 60 035 parameters at width 128, M = 3).

    A 4x4 conv of stride 4, three 1x1 convs, a 1x1 conv to 32 features, global average, linear; LeakyReLU(0.1)
    between the convs.  There is no padding.

    Args:
        channels: image channels.
        branches: number of branches M, at least 2.
        width: channels of the hidden layers; the paper's is 128.
        initialisation: ``"contrast"`` (:func:`start_from_contrast`) or ``"uniform"`` (torch's default).
    """

    def __init__(
        self,
        *,
        channels: int,
        branches: int,
        width: int = 128,
        initialisation: Literal["contrast", "uniform"] = "contrast",
    ) -> None:
        super().__init__()
        if branches < 2:
            raise ValueError(f"routing needs at least 2 branches, not {branches}")
        if width < 1:
            raise ValueError(f"the Class-Module needs a width of at least 1, not {width}")
        self.width = width
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, STRIDE, stride=STRIDE),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, FEATURES, 1),
        )
        self.logits = nn.Linear(FEATURES, branches)
        if initialisation == "contrast":
            start_from_contrast(self.features)

    def forward(self, degraded: Tensor) -> Tensor:
        """(B, C, h, w) in [0, 1], h and w at least 4 -> logits (B, M)."""
        features: Tensor = self.features(degraded)  # (B, 32, h // 4, w // 4)
        logits: Tensor = self.logits(features.mean(dim=(2, 3)))
        return logits

    def grid(self, degraded: Tensor, *, window: int, step: int) -> Tensor:
        """Logits of every window of a grid, in one pass where windows lie on the grid of the first layer.

        Args:
            degraded: (B, C, h, w) in [0, 1].
            window: side of a window, at most h and w.
            step: distance of two windows; the first one lies at the top left.

        Returns:
            (B, rows, columns, M), what :meth:`forward` gives for each window.
        """
        if window % STRIDE or step % STRIDE:
            windows = degraded.unfold(2, window, step).unfold(3, window, step)  # (B, C, rows, columns, window, window)
            batch, channels, rows, columns = windows.shape[:4]
            each = windows.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels, window, window)
            apart: Tensor = self(each)
            return apart.reshape(batch, rows, columns, -1)
        features = self.features(degraded)
        means = functional.avg_pool2d(features, window // STRIDE, stride=step // STRIDE)
        logits: Tensor = self.logits(means.permute(0, 2, 3, 1))
        return logits


def start_from_contrast(features: nn.Sequential) -> None:
    """Start with filters that see contrast and not brightness.

    Difficulty is texture, and brightness is most of what random filters answer to: from torch's own start the
    Class-Module needs hundreds of updates to find texture at all.  Here every filter of the first layer sums to
    zero per channel, all weights are Kaiming normal, and biases are zero.  The architecture is the paper's.
    """
    layers = [layer for layer in features if isinstance(layer, nn.Conv2d)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, a=1 if layer is layers[-1] else SLOPE)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    with torch.no_grad():
        first = layers[0].weight  # (width, channels, 4, 4)
        first -= first.mean(dim=(2, 3), keepdim=True)
        first *= CONTRAST_GAIN
