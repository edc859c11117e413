"""First-party restoration tasks, one file each."""

from __future__ import annotations

from restoreroute import hookimpl
from restoreroute.spec.task import Task
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION


@hookimpl
def restoreroute_tasks() -> list[Task]:
    return [SUPER_RESOLUTION]
