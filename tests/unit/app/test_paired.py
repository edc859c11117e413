"""Training on degraded images that come with the data, from two folders to a restored image."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import restoreroute
from restoreroute.app.bench import bench
from restoreroute.app.dry_run import dry_run
from restoreroute.app.evaluate import evaluate_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.preparation import SplitFiles
from restoreroute.app.sweep import sweep_model
from restoreroute.errors import InputError, PluginError
from restoreroute.imaging.color import from_float, to_float
from restoreroute.imaging.io import find_images, read_image, write_image
from restoreroute.imaging.metrics import psnr
from restoreroute.recipe.resolve import load_recipe
from restoreroute.spec.events import Notice

ONE = tuple(f"stages.{stage}.iterations=1" for stage in ("baseline", "pretrain", "class_module", "joint"))
WHOLE = "evaluation.protocols=[whole]"
SAME_SIZE = ("backbone={name: dncnn, layers: 3}", "branches=[4, 6]")
SPLITS = ("train", "validation", "test")


def scanned(image: NDArray[Any]) -> NDArray[np.uint16]:
    """Darker and noisy, in 16 bits: nothing that a task makes."""
    noise = np.random.default_rng(image.size).normal(0, 0.02, image.shape)
    return from_float((0.9 * to_float(image) + noise).astype(np.float32), np.uint16)


@pytest.fixture(scope="module")
def folders(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean photos and 16-bit scans of them, in a folder per split."""
    folder = tmp_path_factory.mktemp("pairs")
    tiny.write_photos(folder / "clean")
    for photo in find_images(folder / "clean"):
        scan = folder / "scans" / photo.relative_to(folder / "clean").with_suffix(".tif")
        scan.parent.mkdir(parents=True, exist_ok=True)
        write_image(scan, scanned(read_image(photo)))
    return folder


def sources(folder: Path, degraded: str = "scans") -> tuple[str, ...]:
    return tuple(
        f"data.{split}={{source: pairs, degraded: {folder / degraded / split}, clean: {folder / 'clean' / split}}}"
        for split in SPLITS
    )


@pytest.fixture(scope="module")
def trained(tiny: Any, recipe: Path, folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished run on pairs that nobody may change."""
    run = tiny.Tiny(recipe=recipe, runs=tmp_path_factory.mktemp("runs"))
    run.run(*ONE, WHOLE, "task=paired", *SAME_SIZE, *sources(folders))
    return run


def test_what_is_measured_is_the_given_image(trained: Any, folders: Path) -> None:
    (result,) = trained.results[0].sets
    for image in result.images:
        clean = read_image(folders / "clean" / "test" / image.file)
        scan = read_image(folders / "scans" / "test" / image.file.replace(".png", ".tif"))
        expected = psnr(from_float(to_float(scan), np.uint8), clean, data_range=255, crop_border=0)
        assert image.rows["interpolation"].psnr_rgb == pytest.approx(expected, abs=1e-4)


def test_the_model_restores_images_of_16_bits(trained: Any, folders: Path) -> None:
    restorer = restoreroute.load(trained.model)
    scan = read_image(folders / "scans" / "test" / "test1.tif")

    restored = restorer.restore(scan)

    assert restorer.scale == 1
    assert (restored.dtype, restored.shape) == (np.uint16, scan.shape)


def test_the_resolved_recipe_is_the_same_recipe(trained: Any, folders: Path, recipe: Path) -> None:
    catalogue = open_catalogue()
    overrides = [*ONE, WHOLE, "task=paired", *SAME_SIZE, *sources(folders)]

    assert load_recipe(trained.folder / "recipe.resolved.yml", catalogue) == load_recipe(recipe, catalogue, overrides)


@pytest.mark.parametrize(
    ("split", "started"),
    [
        (
            "train",
            ["data", "baseline", "difficulty", "pretrain_0", "pretrain_1", "class_module", "joint", "preference"],
        ),
        ("test", ["data"]),
    ],
)
def test_a_changed_degraded_file_repeats_what_depends_on_it(
    trained: Any, folders: Path, tmp_path: Path, split: str, started: list[str]
) -> None:
    moved = shutil.copytree(folders, tmp_path / "pairs")
    run = type(trained)(recipe=trained.recipe, runs=tmp_path / "runs")
    overrides = (*ONE, WHOLE, "task=paired", *SAME_SIZE, *sources(moved))
    run.run(*overrides)
    run.run(*overrides)
    assert run.started() == ["data"]
    scan = moved / "scans" / split / f"{split}0.tif"
    write_image(scan, from_float(1 - to_float(read_image(scan)), np.uint16))

    run.run(*overrides)

    assert run.started() == [*started, "evaluate whole"]


def test_a_dry_run(folders: Path, recipe: Path) -> None:
    found = dry_run(recipe, overrides=[*ONE, "task=paired", *SAME_SIZE, *sources(folders)], device="cpu")

    assert found.images == {"train": 2, "validation": 1, "test": 2}


def test_a_random_task_takes_pairs_as_they_are(run: Any, folders: Path, trained: Any) -> None:
    results = run.run(*ONE, WHOLE, "task=gaussian_denoising", *SAME_SIZE, *sources(folders))

    rows, same = results.sets[0], trained.results[0].sets[0]
    assert rows.row("interpolation").quality == same.row("interpolation").quality
    assert rows.row("baseline").quality == same.row("baseline").quality, "trained on the same pairs"


def test_small_images_of_a_data_set(run: Any, tmp_path: Path, recipe: Path) -> None:
    photos = recipe.parent / "photos"
    for photo in find_images(photos):
        small = tmp_path / "small" / photo.relative_to(photos)
        small.parent.mkdir(parents=True, exist_ok=True)
        height, width = (side // 4 for side in read_image(photo).shape[:2])
        write_image(small, np.full((height, width, 3), 128, np.uint8))
    pairs = tuple(
        f"data.{split}={{source: pairs, degraded: {tmp_path / 'small' / split}, clean: {photos / split}}}"
        for split in SPLITS
    )

    results = run.run(*ONE, WHOLE, *pairs)

    clean = read_image(photos / "test" / "test0.png")
    expected = psnr(np.full_like(clean, 128), clean, data_range=255, crop_border=4)
    assert results.sets[0].images[0].rows["interpolation"].psnr_rgb == pytest.approx(expected, abs=1e-4)


def test_shared_photos_are_mentioned(run: Any, folders: Path) -> None:
    same = f"{{source: pairs, degraded: {folders / 'scans/train'}, clean: {folders / 'clean/train'}}}"

    run.run(*ONE, WHOLE, "task=paired", *SAME_SIZE, *sources(folders), f"data.test={same}")

    notices = [event.text for event in run.events if isinstance(event, Notice)]
    assert any("2 of 2 test images are trained on too" in text for text in notices), notices


def test_a_size_that_does_not_fit_stops_a_run_before_training(run: Any, folders: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(folders, tmp_path / "pairs")
    scan = moved / "scans" / "train" / "train0.tif"
    write_image(scan, read_image(scan)[:60])

    with pytest.raises(InputError, match=r"is 64 x 60, and its clean image .* is 64 x 64: at scale 1 .* be 64 x 64"):
        run.run(*ONE, "task=paired", *SAME_SIZE, *sources(moved))

    assert "baseline" not in run.started()


def test_evaluating_on_two_folders_gives_the_figures_of_the_run(trained: Any, folders: Path) -> None:
    clean, scans = folders / "clean" / "test", folders / "scans" / "test"

    (again,) = evaluate_model(trained.model, [clean], degraded=[scans], protocols=["whole"], device="cpu")

    (whole,) = trained.results[0].sets
    assert [(row.name, row.quality) for row in again.rows] == [(row.name, row.quality) for row in whole.rows]


def test_a_budget_is_measured_on_two_folders(trained: Any, folders: Path) -> None:
    clean, scans = folders / "clean" / "test", folders / "scans" / "test"

    found = sweep_model(trained.model, clean, [9], degraded=scans, device="cpu")

    (whole,) = trained.results[0].sets
    assert found.images == 2
    assert found.baseline.psnr_rgb == pytest.approx(whole.row("baseline").quality.psnr_rgb, abs=1e-4)


@pytest.mark.parametrize(
    "measure",
    [
        lambda model, folder: evaluate_model(model, [folder], protocols=["whole"]),
        lambda model, folder: sweep_model(model, folder, [1]),
    ],
    ids=["evaluate", "sweep"],
)
def test_clean_images_alone_are_not_enough(
    trained: Any, folders: Path, measure: Callable[[Path, Path], object]
) -> None:
    with pytest.raises(InputError, match="task 'paired' makes no degraded images of clean ones") as caught:
        measure(trained.model, folders / "clean" / "test")

    assert caught.value.hint == "name the folder of their degraded versions: --degraded DIR"


def test_a_clean_photo_is_not_enough_to_time_a_model(trained: Any, folders: Path) -> None:
    with pytest.raises(InputError, match="task 'paired' makes no degraded images of clean ones") as caught:
        bench(folders / "clean" / "test" / "test0.png", str(trained.model))

    assert caught.value.where == str(trained.model)


def test_one_folder_of_degraded_images_for_each(trained: Any, folders: Path) -> None:
    clean, scans = folders / "clean", folders / "scans"

    with pytest.raises(InputError, match="1 folders of degraded images for 2 of clean ones"):
        evaluate_model(trained.model, [clean / "test", clean / "train"], degraded=[scans / "test"], protocols=["whole"])


@pytest.mark.parametrize("paired", [False, True])
def test_what_a_source_says_is_checked(recipe: Path, folders: Path, paired: bool) -> None:
    plan = load_recipe(recipe, open_catalogue(), [] if paired else sources(folders))
    train = replace(plan.data.train, offer=replace(plan.data.train.offer, paired=paired))

    with pytest.raises(PluginError, match=f"is declared to give {'pairs' if paired else 'files of clean images'}"):
        SplitFiles.of(replace(plan, data=replace(plan.data, train=train)))
