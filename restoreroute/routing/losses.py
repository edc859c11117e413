"""Image-, Class- and Average-Loss for any number of branches (paper eqs. 2-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from restoreroute.spec.stages import LossOptions


def image_loss(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean absolute difference; both (B, C, H, W) on [0, 1]."""
    return functional.l1_loss(restored, clean)


def class_loss(probability: Tensor) -> Tensor:
    """How undecided the Class-Module is (paper eq. 3).

    Mean over the batch of (M - 1) - sum over i < j of |p_i - p_j|: 0 when every sub-image has one branch of
    probability 1, M - 1 when all are uniform.

    Args:
        probability: (B, M), rows sum to 1.
    """
    branches = probability.shape[1]
    first, second = torch.triu_indices(branches, branches, offset=1, device=probability.device)
    distances = (probability[:, first] - probability[:, second]).abs().sum(dim=1)
    return (branches - 1) - distances.mean()


def average_loss(probability: Tensor, target_shares: Tensor | None = None) -> Tensor:
    """How far the use of the branches over the batch is from the target shares (paper eq. 4).

    Sum over branches of |sum over the batch of p_i - B * t_i|, divided by its largest possible value,
    2 * B * (1 - min t): 0 at the target, 1 when everything goes to the branch with the smallest target.

    Args:
        probability: (B, M), rows sum to 1.
        target_shares: (M,), sum 1; uniform if None, as in the paper.
    """
    batch, branches = probability.shape
    if target_shares is None:
        target_shares = probability.new_full((branches,), 1 / branches)
    deviation = (probability.sum(dim=0) - batch * target_shares).abs().sum()
    return deviation / (2 * batch * (1 - target_shares.min()))


@dataclass(frozen=True, kw_only=True)
class RoutingLoss:
    """The weighted sum of the three losses (paper eq. 2)."""

    image: float
    class_: float
    average: float
    target_shares: Sequence[float] | None = None

    @classmethod
    def from_options(cls, options: LossOptions) -> RoutingLoss:
        return cls(
            image=options.image,
            class_=options.class_,
            average=options.average,
            target_shares=options.target_shares,
        )

    def __call__(self, *, mixture: Tensor, clean: Tensor, probability: Tensor) -> dict[str, Tensor]:
        """The total (key ``"total"``) and its unweighted terms (``"image"``, ``"class"``, ``"average"``)."""
        target = None if self.target_shares is None else probability.new_tensor(self.target_shares)
        terms = {
            "image": image_loss(mixture, clean),
            "class": class_loss(probability),
            "average": average_loss(probability, target),
        }
        total = self.image * terms["image"] + self.class_ * terms["class"] + self.average * terms["average"]
        return {"total": total, **terms}
