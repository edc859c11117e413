"""First-party backbone families: a descriptor each, and their networks."""

from __future__ import annotations

from restoreroute import hookimpl
from restoreroute.spec.backbone import BackboneFamily
from restoreroute_backbones.carn import CARN
from restoreroute_backbones.compact import COMPACT
from restoreroute_backbones.disp import DISP
from restoreroute_backbones.dncnn import DNCNN
from restoreroute_backbones.fmen import FMEN
from restoreroute_backbones.fsrcnn import FSRCNN
from restoreroute_backbones.interpolate import INTERPOLATE
from restoreroute_backbones.rcan import RCAN
from restoreroute_backbones.srresnet import SRRESNET


@hookimpl
def restoreroute_backbones() -> list[BackboneFamily]:
    return [CARN, COMPACT, DISP, DNCNN, FMEN, FSRCNN, INTERPOLATE, RCAN, SRRESNET]
