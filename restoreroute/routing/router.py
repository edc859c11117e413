"""The whole routed model: Class-Module and branches."""

from __future__ import annotations

from torch import Tensor, nn

from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule


class Router(nn.Module):
    """Decides and restores: a soft mixture in training, one branch per patch in inference."""

    def __init__(self, *, class_module: ClassModule, branches: BranchBank) -> None:
        super().__init__()
        self.class_module = class_module
        self.branches = branches

    def probability(self, degraded: Tensor) -> Tensor:
        """(B, C, h, w) in [0, 1] -> probability of each branch (B, M)."""
        logits: Tensor = self.class_module(degraded)
        return logits.softmax(dim=1)

    def forward(self, degraded: Tensor) -> tuple[Tensor, Tensor]:
        """Training: the soft mixture (B, C, H, W) of all branches and the probabilities (B, M), paper eq. 1."""
        probability = self.probability(degraded)
        return self.branches.mixture(degraded, probability), probability
