"""Every recipe builds everything and runs one batch of each part of its stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from restoreroute.app.dry_run import dry_run
from restoreroute.app.plugins import open_catalogue
from restoreroute.imaging.io import read_image, write_image
from restoreroute.recipe.resolve import load_recipe
from restoreroute.spec.events import Event, TrainingProgress, Validated
from restoreroute.spec.stages import NetworkStage, StageOptions
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


def parts(options: StageOptions) -> int:
    """Of a stage, each of which a dry run gives one update."""
    return len(options.parts()) if isinstance(options, NetworkStage) else 1


@pytest.mark.slow
@pytest.mark.parametrize("recipe", FOUND, ids=lambda path: path.relative_to(RECIPES).as_posix())
def test_one_batch_of_every_stage(recipe: Path, photos: Path) -> None:
    planned = load_recipe(recipe, open_catalogue()).stage_names
    overrides = {
        **{f"data.{split}": photos / split for split in SPLITS},
        **{f"stages.{stage}.batch": BATCH for stage in planned},
        "data.step": 32,
    }
    events: list[Event] = []

    found = dry_run(recipe, overrides=overrides, device="cpu", listen=events.append)

    stages, branches = found.plan.stages, found.plan.branches
    steps: dict[str, list[tuple[str, StageOptions]]] = {
        "baseline": [("baseline", stages.baseline)],
        "pretrain": [
            (f"pretrain_{n}", stages.pretrain.of_branch(n)) for n, branch in enumerate(branches) if branch.family.learns
        ],
        "class_module": [("class_module", stages.class_module)],
        "joint": [("joint", stages.joint)],
    }
    expected = [(name, parts(options)) for stage in planned for name, options in steps[stage] if options.iterations]
    for kind in (TrainingProgress, Validated):
        ran = [(event.step, event.iteration) for event in events if isinstance(event, kind)]
        assert ran == expected
    assert found.images == {"train": 2, "validation": 2, "test": 2}
