"""First-party backbone families, one file each."""

from __future__ import annotations

from restoreroute import hookimpl
from restoreroute.spec.backbone import BackboneFamily
from restoreroute_backbones.fsrcnn import FSRCNN


@hookimpl
def restoreroute_backbones() -> list[BackboneFamily]:
    return [FSRCNN]
