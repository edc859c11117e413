"""The network of DnCNN without normalisation."""

from __future__ import annotations

from torch import Tensor, nn


class DnCNN(nn.Module):
    """The image minus the noise that 3x3 convolutions with ReLU between them predict.

    Args:
        channels: image channels.
        width: features of the hidden layers.
        layers: convolutions in all, at least 2.
    """

    def __init__(self, *, channels: int, width: int, layers: int) -> None:
        super().__init__()
        hidden: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        for _ in range(layers - 2):
            hidden += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        self.hidden = nn.Sequential(*hidden)
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, degraded: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        noise: Tensor = self.last(self.hidden(degraded))
        return degraded - noise

    def initialise(self, *, identity: bool) -> None:
        """Kaiming normal weights and zero biases; an identity start predicts no noise at first."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        if identity:
            nn.init.zeros_(self.last.weight)
