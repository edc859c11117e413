"""The embedded photos, and folders of images."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

import restoreroute_samples
from restoreroute.errors import InputError
from restoreroute.imaging.io import IMAGE_SUFFIXES, write_image
from restoreroute.spec.options import Options
from restoreroute.spec.source import DataSource
from restoreroute_samples import PHOTOS, FolderOptions, PairsOptions, SamplesOptions

MIB = 2**20


@pytest.fixture
def sources() -> dict[str, DataSource]:
    return {offer.name: offer for offer in restoreroute_samples.restoreroute_data_sources()}


@pytest.fixture
def credits_() -> list[dict[str, str]]:
    with (PHOTOS / "CREDITS.tsv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def photos() -> list[Path]:
    return sorted(path for path in PHOTOS.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)


@pytest.mark.parametrize(("split", "count"), [("train", 24), ("validation", 2), ("test", 8)])
def test_how_many_photos(sources: dict[str, DataSource], split: str, count: int) -> None:
    files = sources["samples"].build(SamplesOptions.model_validate({"split": split}))
    assert len(files) == count
    assert list(files) == sorted(files)
    assert all(file.is_file() and file.parent.name == split for file in files)


def test_no_photo_is_in_two_splits() -> None:
    assert len({file.name for file in photos()}) == len(photos()) == 34
    assert len({file.read_bytes() for file in photos()}) == 34


@pytest.mark.parametrize("options", [{}, {"split": "all"}, {"split": "train", "path": "x"}])
def test_other_splits_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SamplesOptions.model_validate(options)


@pytest.mark.parametrize(
    ("options", "given"),
    [(FolderOptions, {"path": ""}), (PairsOptions, {"clean": "", "degraded": "x"}), (PairsOptions, {"degraded": ""})],
)
def test_no_text_is_no_folder(options: type[Options], given: dict[str, str]) -> None:
    """It would be the current folder, with all images below it: what an unset variable of a shell leads to."""
    with pytest.raises(ValidationError, match="at least 1 character"):
        options.model_validate(given)


def test_every_photo_has_author_and_licence(credits_: list[dict[str, str]]) -> None:
    named = [row["file"] for row in credits_]
    assert Counter(named) == Counter(file.relative_to(PHOTOS).as_posix() for file in photos())
    for row in credits_:
        for key in ("author", "licence", "source", "changes"):
            assert row[key].strip(), f"{row['file']}: {key}"


def test_licences_are_explained(credits_: list[dict[str, str]]) -> None:
    text = (PHOTOS / "LICENSES.md").read_text(encoding="utf-8")
    for licence in {row["licence"] for row in credits_}:
        assert licence in text


def test_sizes_are_those_in_the_credits(credits_: list[dict[str, str]]) -> None:
    for row in credits_:
        with Image.open(PHOTOS / row["file"]) as image:
            assert image.size == (int(row["width"]), int(row["height"])), row["file"]
            assert image.mode == "RGB"


def test_nothing_else_is_embedded_and_it_stays_small() -> None:
    files = [path for path in PHOTOS.rglob("*") if path.is_file()]
    assert {path.name for path in files} - {photo.name for photo in photos()} == {"CREDITS.tsv", "LICENSES.md"}
    assert sum(path.stat().st_size for path in files) <= 25 * MIB


def test_a_folder_is_searched_at_any_depth(sources: dict[str, DataSource], tmp_path: Path) -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("z.png", "b/c/a.jpg", "b/y.tif"):
        write_image(tmp_path / name, image)
    (tmp_path / "b" / "notes.txt").write_text("hello")
    files = sources["folder"].build(FolderOptions(path=str(tmp_path)))
    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["b/c/a.jpg", "b/y.tif", "z.png"]


def test_the_home_folder(sources: dict[str, DataSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos" / "a.png", np.zeros((2, 2, 3), np.uint8))
    assert list(sources["folder"].build(FolderOptions(path="~/photos"))) == [tmp_path / "photos" / "a.png"]


def test_folders_that_can_not_be_used(sources: dict[str, DataSource], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("hello")
    for name, said in [("none", "no such folder"), ("empty", "holds no image"), ("file", "is not a folder")]:
        with pytest.raises(InputError, match=said) as caught:
            sources["folder"].build(FolderOptions(path=str(tmp_path / name)))
        assert caught.value.where == str(tmp_path / name)
