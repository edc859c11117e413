"""A model is a name that a plugin offers, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restoreroute.app.models import find_model
from restoreroute.errors import InputError, UnknownNameError
from restoreroute.plugin.catalogue import Catalogue, Offered
from restoreroute.spec.model import TrainedModel
from restoreroute.spec.plan import Provider


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """Offers ``there`` with a baseline, and ``gone``, whose file is missing."""
    (tmp_path / "there.bin").write_bytes(b"weights")
    offers = [
        TrainedModel(
            name=name,
            summary="",
            build=lambda _options, name=name: tmp_path / f"{name}.bin",
            card=tmp_path / "card.md",
            baseline=tmp_path / "alone.bin" if name == "there" else None,
        )
        for name in ("there", "gone")
    ]
    provider = Provider(distribution="acme-models", version="1.0")
    return Catalogue(offered=tuple(Offered(offer, provider) for offer in offers))


def test_a_name(catalogue: Catalogue, tmp_path: Path) -> None:
    found = find_model("there", catalogue)

    assert (found.model, found.baseline) == (tmp_path / "there.bin", tmp_path / "alone.bin")


def test_a_file_whose_baseline_lies_beside_it(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.touch()
    assert find_model(path, catalogue).baseline is None
    (tmp_path / "baseline.safetensors").touch()

    found = find_model(str(path), catalogue)

    assert (found.model, found.baseline) == (path, tmp_path / "baseline.safetensors")
    assert find_model(tmp_path / "baseline.safetensors", catalogue).baseline is None


def test_a_name_goes_before_a_file_of_that_name(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()

    assert find_model("there", catalogue).model == tmp_path / "there.bin"
    assert find_model("./there", catalogue).model == Path("there")


def test_a_name_that_is_almost_right(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownNameError, match=r"model.*'thre'.*there"):
        find_model("thre", catalogue)


def test_what_looks_like_a_path_is_one(catalogue: Catalogue) -> None:
    for text in ("none.safetensors", "runs/there"):
        assert find_model(text, catalogue).model == Path(text)


def test_a_package_that_lost_its_file(catalogue: Catalogue) -> None:
    with pytest.raises(InputError) as caught:
        find_model("gone", catalogue)
    assert "acme-models" in str(caught.value)


def test_facts_say_what_is_there(catalogue: Catalogue) -> None:
    facts: dict[str, Any] = catalogue.models.get("there").facts()

    assert (facts["baseline"], facts["size"]) == (True, "0.0 MiB")
    assert catalogue.models.get("gone").facts()["baseline"] is False
