"""Reading recipes stays quick: torch is not imported on the way."""

from __future__ import annotations

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, sys
import restoreroute.recipe
for module in pkgutil.iter_modules(restoreroute.recipe.__path__, "restoreroute.recipe."):
    importlib.import_module(module.name)
heavy = {"torch", "numpy", "scipy", "skimage", "imageio"} & sys.modules.keys()
raise SystemExit(f"imported: {sorted(heavy)}" if heavy else 0)
"""


def test_recipes_need_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
