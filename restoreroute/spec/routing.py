"""What can be set for the routing of a model: its geometry, and how much it prefers cheap branches."""

from __future__ import annotations

from pydantic import Field

from restoreroute.spec.options import Options


class RoutingOptions(Options):
    """How the trained model routes; all of it is stored in the model."""

    patch: int = Field(32, ge=8, description="side of an inference patch in degraded pixels")
    stride: int = Field(28, ge=1, description="distance of two patches in degraded pixels, at most patch")
    loss_db: float = Field(
        0.02,
        ge=0,
        description="how far the mean PSNR of the validation photos may fall below the full network's, in dB: "
        "the cheapest route within it is chosen after training",
    )
    speed: float | None = Field(
        None,
        description="how much cheap branches are preferred, fixed by hand: the branch of the largest p / cost**speed; "
        "0 is the most probable one, less than 0 prefers dear ones; chosen by loss_db if not set",
    )
