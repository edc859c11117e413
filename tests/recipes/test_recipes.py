"""Every recipe that ships resolves against the installed plugins, and says how to run it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from restoreroute.app.plugins import open_catalogue
from restoreroute.recipe.resolve import check_recipe, load_recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FOUND = sorted(path for path in RECIPES.rglob("*") if path.suffix in {".yml", ".yaml"})
EXPECTED = {
    "denoise_dncnn.yml",
    "sr_carn.yml",
    "sr_compact.yml",
    "sr_disp.yml",
    "sr_fmen.yml",
    "sr_fsrcnn.yml",
    "sr_mixed.yml",
    "sr_rcan.yml",
    "sr_srresnet.yml",
    "zoo/denoise_blind.yml",
    "zoo/denoise_dncnn_s25.yml",
    "zoo/network_x4.yml",
    "zoo/sr_carn_x4.yml",
    "zoo/sr_fsrcnn_x4.yml",
    "zoo/sr_x2.yml",
    "zoo/sr_x4.yml",
    "zoo/sr_x4_fast.yml",
    "paper/denoise_dncnn.yml",
    "paper/sr_carn.yml",
    "paper/sr_fsrcnn.yml",
    "paper/sr_fsrcnn_2_classes.yml",
    "paper/sr_fsrcnn_4_classes.yml",
    "paper/sr_fsrcnn_5_classes.yml",
    "paper/sr_fsrcnn_difficulty_classes.yml",
    "paper/sr_fsrcnn_without_average_loss.yml",
    "paper/sr_fsrcnn_without_class_loss.yml",
    "paper/sr_rcan.yml",
    "paper/sr_srresnet.yml",
    "paper/sr_srresnet_38x12_54x14_64x16.yml",
    "paper/sr_srresnet_42x8_56x12_64x16.yml",
}
"""The recipes there are.  A new one is added here by hand, so that none gets lost or slips in."""
SINGLE = {"zoo/network_x4.yml"}
"""The recipes of a single network."""


def test_these_recipes_ship() -> None:
    assert {path.relative_to(RECIPES).as_posix() for path in FOUND} == EXPECTED
    others = {
        path.relative_to(RECIPES).parts[:2] for path in RECIPES.rglob("*") if path.is_file() and path not in FOUND
    }
    assert others == {("zoo", "README.md"), ("zoo", "progress")}


@pytest.mark.parametrize("recipe", FOUND, ids=lambda path: path.relative_to(RECIPES).as_posix())
def test_it_resolves(recipe: Path) -> None:
    catalogue = open_catalogue()

    assert check_recipe(recipe, catalogue) == []
    plan = load_recipe(recipe, catalogue)
    single = recipe.relative_to(RECIPES).as_posix() in SINGLE
    assert len(plan.branches) == 1 if single else len(plan.branches) >= 2


@pytest.mark.parametrize("recipe", FOUND, ids=lambda path: path.relative_to(RECIPES).as_posix())
def test_its_head_says_how_to_run_it(recipe: Path) -> None:
    head = []
    for line in recipe.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        head.append(line)

    assert head, "a recipe begins with a comment that says what it is"
    assert f"restoreroute run {recipe.relative_to(RECIPES.parent).as_posix()}" in "\n".join(head)


PAPER = [recipe for recipe in FOUND if recipe.parent.name == "paper"]
PUBLISHED_BRANCHES = {
    "denoise_dncnn": [38, 52, 64],
    "sr_carn": [36, 52, 64],
    "sr_fsrcnn_2_classes": [16, 56],
    "sr_fsrcnn_4_classes": [16, 29, 43, 56],
    "sr_fsrcnn_5_classes": [16, 26, 36, 46, 56],
    "sr_rcan": [36, 50, 64],
    "sr_srresnet": [36, 52, 64],
    "sr_srresnet_38x12_54x14_64x16": [(38, 12), (54, 14), (64, 16)],
    "sr_srresnet_42x8_56x12_64x16": [(42, 8), (56, 12), (64, 16)],
}
"""Widths, or features and blocks; the others are FSRCNN 16, 36, 56."""
DEPARTURES = {
    "sr_fsrcnn_difficulty_classes": {"stages.class_module.iterations": 0, "stages.joint.iterations": 0},
    "sr_fsrcnn_without_average_loss": {"losses.average": 0.0},
    "sr_fsrcnn_without_class_loss": {"losses.class": 0.0},
}
"""What is not the paper's schedule, on purpose."""


@pytest.mark.parametrize("recipe", PAPER, ids=lambda path: path.stem)
def test_a_recipe_of_the_paper_has_its_branches(recipe: Path) -> None:
    branches = PUBLISHED_BRANCHES.get(recipe.stem, [16, 36, 56])
    plan = load_recipe(recipe, open_catalogue())
    for branch, published in zip(plan.branches, branches, strict=True):
        options = branch.options.model_dump()
        found = (branch.width, options["blocks"]) if isinstance(published, tuple) else branch.width
        assert found == published
        assert options["initialisation"] == "official"


@pytest.mark.parametrize("recipe", PAPER, ids=lambda path: path.stem)
def test_a_recipe_of_the_paper_has_its_schedule(recipe: Path) -> None:
    """The paper's figures, written out: 2000 : 1 : 6, sub-images of 32 at step 16 at five sizes, patches 32 / 28."""
    plan = load_recipe(recipe, open_catalogue())
    said = {
        "class_module.width": 128,
        "losses.image": 2000.0,
        "losses.class": 1.0,
        "losses.average": 6.0,
        "losses.target_shares": None,
        "data.sub_image": 32,
        "data.step": 16,
        "data.clean_scales": [1.0, 0.9, 0.8, 0.7, 0.6],
        "data.augment": True,
        "difficulty": {"name": "network", "model": None},
        "stages.pretrain.iterations": 500_000,
        "stages.pretrain.batch": 16,
        "stages.pretrain.lr": 1e-3,
        "stages.pretrain.start": "fresh",
        "stages.pretrain.own_class": True,
        "stages.class_module.iterations": 200_000,
        "stages.class_module.batch": 96,
        "stages.class_module.lr": 2e-4,
        "stages.class_module.pool": 0,
        "stages.joint.iterations": 200_000,
        "stages.joint.batch": 96,
        "stages.joint.lr": 2e-4,
        "stages.joint.lr_final": 1e-7,
        "routing.patch": 32,
        "routing.stride": 28,
        "routing.speed": 0.0,
        "evaluation.crop": None,
    }
    for key, value in {**said, **DEPARTURES.get(recipe.stem, {})}.items():
        found: Any = plan.recipe
        for part in key.split("."):
            found = found[part]
        assert found == value, key
    assert plan.stages.baseline.iterations > plan.stages.pretrain.iterations + 2 * 200_000
    protocols = ["classes"] if recipe.stem == "sr_fsrcnn_difficulty_classes" else ["classsr", "whole"]
    assert list(plan.evaluation.protocols) == protocols


@pytest.mark.parametrize("recipe", PAPER, ids=lambda path: path.stem)
def test_the_head_of_a_recipe_of_the_paper_says_what_it_is(recipe: Path) -> None:
    text = recipe.read_text(encoding="utf-8")
    head = " ".join(line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    for words in (
        r"\((table \d|section 4\.3\.\d)",
        r"difficulty\.model=",
        r"backbone\.initialisation=(interpolating|identity)",
    ):
        assert re.search(words, head), words


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
