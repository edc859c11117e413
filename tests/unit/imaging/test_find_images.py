"""Images of a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from restoreroute.errors import InputError
from restoreroute.imaging.io import IMAGE_SUFFIXES, find_images


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_any_depth_sorted(tmp_path: Path) -> None:
    names = ["b.png", "a/z.jpg", "a/b/c/d/e.TIFF", "c.webp", "a.bmp"]
    expected = sorted(touch(tmp_path / name) for name in names)
    assert find_images(tmp_path) == expected


def test_every_suffix_in_capitals_or_not(tmp_path: Path) -> None:
    for suffix in IMAGE_SUFFIXES:
        touch(tmp_path / f"small{suffix}")
        touch(tmp_path / f"large{suffix.upper()}")
    assert len(find_images(tmp_path)) == 2 * len(IMAGE_SUFFIXES)


def test_other_and_hidden_files_are_skipped(tmp_path: Path) -> None:
    image = touch(tmp_path / "photo.png")
    for name in [".hidden.png", ".thumbnails/photo.png", "sub/.cache/photo.png", "notes.txt", "png"]:
        touch(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    assert find_images(tmp_path) == [image]


def test_a_hidden_folder_may_be_named(tmp_path: Path) -> None:
    image = touch(tmp_path / ".data" / "photo.png")
    assert find_images(tmp_path / ".data") == [image]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    image = touch(tmp_path / "elsewhere" / "photo.png")
    data = tmp_path / "data"
    data.mkdir()
    (data / "linked").symlink_to(image.parent)
    (data / "linked_again").symlink_to(image.parent)
    (image.parent / "circle").symlink_to(data)
    assert find_images(data) == [data / "linked" / "photo.png"]


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent: there is no such folder"):
        find_images(tmp_path / "absent")


def test_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"photo\.png: is not a folder"):
        find_images(touch(tmp_path / "photo.png"))


def test_no_images_says_what_was_looked_for(tmp_path: Path) -> None:
    touch(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="holds no image") as caught:
        find_images(tmp_path)
    assert all(suffix in str(caught.value) for suffix in IMAGE_SUFFIXES)


def test_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="can't be read: Permission denied"):
        find_images(tmp_path)
