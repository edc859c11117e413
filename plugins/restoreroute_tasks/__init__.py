"""First-party restoration tasks, one file each."""

from __future__ import annotations

from restoreroute import hookimpl
from restoreroute.spec.task import Task
from restoreroute_tasks.gaussian_denoising import GAUSSIAN_DENOISING
from restoreroute_tasks.paired import PAIRED
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION


@hookimpl
def restoreroute_tasks() -> list[Task]:
    return [GAUSSIAN_DENOISING, PAIRED, SUPER_RESOLUTION]
