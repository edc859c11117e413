"""results.json keeps every figure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from restoreroute.errors import OutputError
from restoreroute.reporting.results_file import load_results, save_results
from restoreroute.spec.results import ClassesResult, Preference, RunResults, SetResult

KEY = "abc"


@pytest.fixture
def file(tmp_path: Path, results: RunResults) -> Path:
    path = tmp_path / "results.json"
    save_results(path, results, key=KEY, provenance={"version": "0.1", "threads": 2})
    return path


def test_every_figure_comes_back(file: Path, results: RunResults) -> None:
    assert load_results(file, key=KEY) == results


def test_without_class_module(file: Path, results: RunResults, result: SetResult) -> None:
    changed = replace(results, sets=(replace(result, confidence=None), result))
    save_results(file, changed, key=KEY, provenance={})
    assert load_results(file, key=KEY) == changed


def test_with_difficulty_classes(file: Path, results: RunResults, classes: ClassesResult) -> None:
    changed = replace(results, sets=(), classes=classes)
    save_results(file, changed, key=KEY, provenance={})
    assert load_results(file, key=KEY) == changed
    content = json.loads(file.read_text(), parse_constant=refuse)
    assert content["classes"]["rows"][1] == {"name": "branch fsrcnn-16", "psnr_rgb": [42.714, 29.6, None]}


def test_with_a_chosen_preference(file: Path, results: RunResults, preference: Preference) -> None:
    changed = replace(results, preference=preference)
    save_results(file, changed, key=KEY, provenance={})
    assert load_results(file, key=KEY) == changed
    assert json.loads(file.read_text())["preference"]["chosen"] == {"speed": -1.3, "psnr": 28.71, "share": 0.614}


def test_a_file_from_before_preferences_were_chosen(file: Path, results: RunResults) -> None:
    content = json.loads(file.read_text())
    del content["preference"]
    file.write_text(json.dumps(content))
    assert load_results(file, key=KEY) == results
    assert results.preference is None


def refuse(word: str) -> None:
    pytest.fail(f"{word} is not JSON")


def test_it_is_json_that_everyone_can_read(file: Path) -> None:
    content: dict[str, Any] = json.loads(file.read_text(), parse_constant=refuse)
    assert content["format"] == 2
    assert content["key"] == KEY
    assert content["provenance"] == {"version": "0.1", "threads": 2}
    (found,) = content["sets"]
    routed = found["rows"][1]
    assert routed["quality"] == {"psnr_rgb": 29.126, "psnr_y": 30.5, "ssim": 0.87654}
    assert routed["shares"] == [0.61, 0.23, 0.16]
    assert found["images"][1]["rows"]["routed"]["psnr_y"] == 30.5


def test_results_of_other_settings_do_not_hold(file: Path) -> None:
    assert load_results(file, key="other") is None


def test_no_file(tmp_path: Path) -> None:
    assert load_results(tmp_path / "none.json", key=KEY) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '"text"', '{"format": 1, "key": "abc"}'])
def test_a_damaged_file_does_not_hold(file: Path, content: str) -> None:
    file.write_text(content)
    assert load_results(file, key=KEY) is None


def test_a_file_with_something_missing_does_not_hold(file: Path) -> None:
    for name in ("sets", "stages", "folder", "classes"):
        content = json.loads(file.read_text())
        content[name] = 1
        damaged = file.with_name("damaged.json")
        damaged.write_text(json.dumps(content))
        assert load_results(damaged, key=KEY) is None
        del content[name]
        damaged.write_text(json.dumps(content))
        assert load_results(damaged, key=KEY) is None


def test_no_text_at_all(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert load_results(file, key=KEY) is None


def test_another_format_does_not_hold(file: Path) -> None:
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "format": 1}))
    assert load_results(file, key=KEY) is None


def test_a_folder_that_is_not_there(tmp_path: Path, results: RunResults) -> None:
    with pytest.raises(OutputError):
        save_results(tmp_path / "none" / "results.json", results, key=KEY, provenance={})
