"""Images of two folders, paired by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from restoreroute.errors import InputError
from restoreroute.imaging.pairing import pair_images
from restoreroute.spec.source import ImagePair, files_of


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "clean", tmp_path / "degraded"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_the_same_path_below_both_whatever_the_suffix(folders: tuple[Path, Path]) -> None:
    clean, degraded = folders
    touch(clean, "b.png", "a/b.c.tif", "a/d.PNG")
    touch(degraded, "a/d.jpg", "b.png", "a/b.c.webp", "notes.txt")

    pairs = pair_images(clean, degraded)

    assert pairs == [
        ImagePair(clean=clean / "a/b.c.tif", degraded=degraded / "a/b.c.webp"),
        ImagePair(clean=clean / "a/d.PNG", degraded=degraded / "a/d.jpg"),
        ImagePair(clean=clean / "b.png", degraded=degraded / "b.png"),
    ]
    assert files_of(pairs[2]) == (clean / "b.png", degraded / "b.png")
    assert files_of(clean / "b.png") == (clean / "b.png",)


def test_an_image_without_a_partner(folders: tuple[Path, Path]) -> None:
    clean, degraded = folders
    touch(clean, "night/0001.png", "night/0002.png")
    touch(degraded, "night/0001x4.png", "night/0002x4.png")

    with pytest.raises(InputError) as caught:
        pair_images(clean, degraded)

    assert str(caught.value) == (
        f"{clean}/night/0001.png: has no partner in {degraded}, one of 2 such images (a pair has the same path below "
        f"both folders, whatever the suffix; did you mean {degraded}/night/0001x4.png?)"
    )


def test_a_degraded_image_without_a_clean_one(folders: tuple[Path, Path]) -> None:
    clean, degraded = folders
    touch(clean, "a.png")
    touch(degraded, "a.png", "elsewhere/z.png")

    with pytest.raises(InputError, match=r"z\.png: has no partner in .*clean \(a pair has the same path") as caught:
        pair_images(clean, degraded)

    assert caught.value.where == str(degraded / "elsewhere/z.png")


def test_two_images_of_one_name(folders: tuple[Path, Path]) -> None:
    clean, degraded = folders
    touch(clean, "a.jpg", "a.png")
    touch(degraded, "a.png")

    with pytest.raises(InputError, match=r"a\.png: has the same name as a\.jpg but for the suffix"):
        pair_images(clean, degraded)


def test_folders_that_make_no_pairs(folders: tuple[Path, Path]) -> None:
    clean, degraded = folders
    touch(clean, "a.png")
    with pytest.raises(InputError, match="there is no such folder") as caught:
        pair_images(clean, degraded)
    assert caught.value.where == str(degraded)
    with pytest.raises(InputError, match=r"is the folder of clean and of degraded images \(name two folders\)"):
        pair_images(clean, clean / ".." / "clean")
