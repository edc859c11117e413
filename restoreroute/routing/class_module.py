"""The Class-Module: which branch a patch needs."""

from __future__ import annotations

from torch import Tensor, nn

STRIDE = 4
FEATURES = 32
SLOPE = 0.1


class ClassModule(nn.Module):
    """Sub-image -> one logit per branch (paper section 3.2; 60 035 parameters at width 128, M = 3).

    A 4x4 conv of stride 4, three 1x1 convs, a 1x1 conv to 32 features, global average, linear; LeakyReLU(0.1)
    between the convs.  There is no padding.

    Args:
        channels: image channels.
        branches: number of branches M, at least 2.
        width: channels of the hidden layers; the paper's is 128.
    """

    def __init__(self, *, channels: int, branches: int, width: int = 128) -> None:
        super().__init__()
        if branches < 2:
            raise ValueError(f"routing needs at least 2 branches, not {branches}")
        if width < 1:
            raise ValueError(f"the Class-Module needs a width of at least 1, not {width}")
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

    def forward(self, degraded: Tensor) -> Tensor:
        """(B, C, h, w) in [0, 1], h and w at least 4 -> logits (B, M)."""
        features: Tensor = self.features(degraded)  # (B, 32, h // 4, w // 4)
        logits: Tensor = self.logits(features.mean(dim=(2, 3)))
        return logits
