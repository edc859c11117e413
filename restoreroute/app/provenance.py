"""What made a result: versions of the code and of every plugin in play."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from restoreroute.spec.plan import Provider

PACKAGES = ("torch", "numpy", "scipy")


def provenance(providers: Mapping[str, Provider], seed: int) -> dict[str, Any]:
    """Seed, versions of restoreroute (with its commit in a checkout), Python, packages and plugins; the machine."""
    return {
        "restoreroute": code_version(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "plugins": {
            name: f"{provider.distribution} {provider.version}" for name, provider in sorted(providers.items())
        },
        "machine": machine(),
        "seed": seed,
    }


def machine() -> dict[str, str]:
    """The processor, how many cores and threads compute, and the GPU if there is one."""
    found = {
        "processor": _processor(),
        "cores": f"{os.cpu_count()} cores",
        "threads": f"{torch.get_num_threads()} threads",
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _processor() -> str:
    """Its name where the system tells it, else its architecture."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def code_version() -> str:
    """Version of the distribution, and in a git checkout the commit, with ``+changes`` where files differ from it."""
    version = metadata.version("restoreroute")
    commit = _git("rev-parse", "--short=12", "HEAD")
    if commit is None:
        return version
    changed = "+changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{version} ({commit}{changed})"


def as_comment(facts: Mapping[str, Any]) -> str:
    """Provenance as comment lines for the head of a YAML file."""
    lines = ["Resolved recipe: every default filled in, every override applied."]
    for key, value in facts.items():
        if isinstance(value, Mapping):
            lines += [f"{key}:", *(f"  {name}: {item}" for name, item in value.items())]
        else:
            lines.append(f"{key}: {value}")
    return "".join(f"# {line}\n" for line in lines)


def _git(*arguments: str) -> str | None:
    """Output of git in this package's checkout; None where it isn't one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
