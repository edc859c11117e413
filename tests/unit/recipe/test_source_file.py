"""Reading a recipe's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from restoreroute.errors import InputError, RecipeError
from restoreroute.recipe.source_file import MAX_BYTES, read_document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("recipes")
    folder.mkdir()
    (folder / "sr_fsrcnn.yml").write_text("a: 1\n")
    return folder


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_document(path)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_file(folder: Path) -> None:
    assert read_document(folder / "sr_fsrcnn.yml").data == {"a": 1}


def test_a_byte_order_mark_is_skipped(folder: Path) -> None:
    (folder / "bom.yml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    document = read_document(folder / "bom.yml")
    assert document.data == {"a": 1}
    assert document.places.of_key(("a",)).column == 1


def test_a_missing_file_names_the_nearest(folder: Path) -> None:
    path = folder / "sr_fsrcn.yml"
    assert refused(path) == f"{path}: there is no such file (did you mean {str(folder / 'sr_fsrcnn.yml')!r}?)"
    assert refused(folder / "zzz") == f"{folder / 'zzz'}: there is no such file"


def test_a_missing_folder(folder: Path) -> None:
    path = Path("recipe") / "sr_fsrcnn.yml"
    assert refused(path) == f"{path}: there is no such file (there is no folder 'recipe' either)"


def test_a_folder(folder: Path) -> None:
    assert refused(folder) == "recipes: is a folder, not a recipe file (recipes in it: sr_fsrcnn.yml)"
    (folder / "empty").mkdir()
    assert refused(folder / "empty").endswith("empty: is a folder, not a recipe file")


def test_a_path_that_no_file_can_have(folder: Path) -> None:
    assert "no such file" in refused(folder / ("x" * 5000)) or "can't be read" in refused(folder / ("x" * 5000))


def test_no_utf_8(folder: Path) -> None:
    (folder / "latin.yml").write_bytes(b"a: 1\nb: gr\xc3\xbc\xdfe\n")
    with pytest.raises(RecipeError) as caught:
        read_document(folder / "latin.yml")
    assert str(caught.value) == f"{folder / 'latin.yml'}:2:7: is not UTF-8 text: byte 0xdf"


def test_a_model_given_by_mistake(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(bytes(MAX_BYTES + 1))
    assert refused(folder / "model.safetensors").endswith("has more than 1048576 bytes; this can't be a recipe")
