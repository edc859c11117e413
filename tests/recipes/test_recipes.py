"""Every recipe that ships resolves against the installed plugins, and says how to run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from restoreroute.app.plugins import open_catalogue
from restoreroute.recipe.resolve import check_recipe, load_recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FOUND = sorted(path for path in RECIPES.rglob("*") if path.suffix in {".yml", ".yaml"})
EXPECTED = {
    "sr_fsrcnn.yml",
    "paper/denoise_dncnn.yml",
    "paper/sr_fsrcnn.yml",
    "paper/sr_srresnet.yml",
}
"""The recipes there are.  A new one is added here by hand, so that none gets lost or slips in."""


def test_these_recipes_ship() -> None:
    assert {path.relative_to(RECIPES).as_posix() for path in FOUND} == EXPECTED
    assert {path.suffix for path in RECIPES.rglob("*") if path.is_file()} == {".yml"}


@pytest.mark.parametrize("recipe", FOUND, ids=lambda path: path.relative_to(RECIPES).as_posix())
def test_it_resolves(recipe: Path) -> None:
    catalogue = open_catalogue()

    assert check_recipe(recipe, catalogue) == []
    plan = load_recipe(recipe, catalogue)
    assert len(plan.branches) >= 2


@pytest.mark.parametrize("recipe", FOUND, ids=lambda path: path.relative_to(RECIPES).as_posix())
def test_its_head_says_how_to_run_it(recipe: Path) -> None:
    head = []
    for line in recipe.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        head.append(line)

    assert head, "a recipe begins with a comment that says what it is"
    assert f"restoreroute run {recipe.relative_to(RECIPES.parent).as_posix()}" in "\n".join(head)


def test_names_of_runs_differ() -> None:
    catalogue = open_catalogue()

    assert len({load_recipe(recipe, catalogue).name for recipe in FOUND}) == len(FOUND)


def test_resolving_imports_no_torch() -> None:
    code = """
import json, sys
from restoreroute.app.plugins import open_catalogue
from restoreroute.recipe.resolve import load_recipe
for path in sys.argv[1:]:
    load_recipe(path, open_catalogue())
print(json.dumps([name for name in ("torch", "scipy", "skimage") if name in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, FOUND)], capture_output=True, text=True, check=True, timeout=120
    )

    assert json.loads(done.stdout) == []
