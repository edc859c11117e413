"""Quick networks of every first-party family."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from restoreroute.spec.backbone import BackboneFamily
from restoreroute_backbones import restoreroute_backbones

FAMILIES = {family.name: family for family in restoreroute_backbones()}


@dataclass(frozen=True, kw_only=True)
class Small:
    """A quick network of a family."""

    width: int
    options: dict[str, Any] = field(default_factory=dict)


SMALL = {
    "carn": Small(width=16),
    "dncnn": Small(width=6, options={"layers": 4}),
    "fsrcnn": Small(width=6),
    "interpolate": Small(width=1),
    "rcan": Small(width=16, options={"groups": 2, "blocks": 2}),
    "srresnet": Small(width=6, options={"blocks": 2}),
}
LEARNING = [family for family in FAMILIES.values() if family.learns]


def make(family: BackboneFamily, scale: int | None = None, width: int | None = None, **options: object) -> nn.Module:
    small = SMALL[family.name]
    torch.manual_seed(0)
    return family.build(
        family.options.model_validate({**small.options, **options}),
        width=width or small.width,
        scale=scale or max(family.scales),
        channels=3,
    )


def restored(network: nn.Module, image: Tensor) -> Tensor:
    with torch.inference_mode():
        output: Tensor = network.eval()(image)
    return output
