"""Every recipe builds everything and runs one batch of each of its stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from restoreroute.app.dry_run import dry_run
from restoreroute.app.plugins import open_catalogue
from restoreroute.imaging.io import read_image, write_image
from restoreroute.recipe.resolve import load_recipe
from restoreroute.spec.events import Event, TrainingProgress, Validated
from restoreroute_samples import PHOTOS

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FOUND = sorted(path for path in RECIPES.rglob("*") if path.suffix in {".yml", ".yaml"})
SPLITS = ("train", "validation", "test")
SIDE, BATCH = 256, 2


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The middle of two embedded photos of each split: RCAN of the paper's size is slow on whole ones."""
    folder = tmp_path_factory.mktemp("photos")
    for split in SPLITS:
        (folder / split).mkdir()
        for photo in sorted((PHOTOS / split).iterdir())[:2]:
            image = read_image(photo)
            top, left = ((length - SIDE) // 2 for length in image.shape[:2])
            write_image(folder / split / f"{photo.stem}.png", image[top : top + SIDE, left : left + SIDE])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("recipe", FOUND, ids=lambda path: path.relative_to(RECIPES).as_posix())
def test_one_batch_of_every_stage(recipe: Path, photos: Path) -> None:
    overrides = {
        **{f"data.{split}": photos / split for split in SPLITS},
        **{f"stages.{stage}.batch": BATCH for stage in load_recipe(recipe, open_catalogue()).stage_names},
        "data.step": 32,
    }
    events: list[Event] = []

    found = dry_run(recipe, overrides=overrides, device="cpu", listen=events.append)

    stages, branches = found.plan.stages, enumerate(found.plan.branches)
    learning = [
        f"pretrain_{n}" for n, branch in branches if branch.family.learns and stages.pretrain.of_branch(n).total
    ]
    steps = {"baseline": ["baseline"], "pretrain": learning, "class_module": ["class_module"], "joint": ["joint"]}
    expected = [
        (step, 1 + len(getattr(getattr(stages, name), "phases", ())))
        for name in found.plan.stage_names
        if getattr(stages, name).iterations
        for step in steps[name]
    ]
    for kind in (TrainingProgress, Validated):
        ran = [(event.step, event.iteration) for event in events if isinstance(event, kind)]
        assert ran == expected
    assert found.images == {"train": 2, "validation": 2, "test": 2}
