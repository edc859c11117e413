"""Interpolation as a branch: nothing to learn, for patches that need no network.

torch is imported where networks are made, so that reading the descriptor stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import NoOptions

if TYPE_CHECKING:
    from torch import nn

LARGEST_SCALE = 8


def build(options: NoOptions, /, *, width: int, scale: int, channels: int) -> nn.Module:
    """Bicubic interpolation, or the image itself at scale 1; it has one width, 1.

    Raises:
        ValueError: for another width.
    """
    from torch import nn

    from restoreroute_backbones.layers import Bicubic

    if width != 1:
        raise ValueError(f"an interpolation has no widths: leave the width {width} out")
    return nn.Identity() if scale == 1 else Bicubic(scale)


def widths_for(branches: int) -> tuple[int, ...]:
    """There are no widths to choose from.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"an interpolation has no widths, so there are no {branches} branches of it")


def receptive_field(options: NoOptions, scale: int) -> int:
    """The cubic kernel reaches two pixels; at scale 1 nothing is mixed."""
    return 0 if scale == 1 else 2


INTERPOLATE = BackboneFamily(
    name="interpolate",
    summary="no network: bicubic interpolation, or the image as it is at scale 1",
    build=build,
    widths=(1,),
    widths_for=widths_for,
    scales=frozenset(range(1, LARGEST_SCALE + 1)),
    receptive_field=receptive_field,
    width_scales="nothing",
    learns=False,
)
