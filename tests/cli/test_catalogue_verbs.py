"""``restoreroute plugins``, ``list``, ``describe`` and ``schema``."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest

OFFERS = {
    "tasks": {"task": ["gaussian_denoising", "paired", "super_resolution"]},
    "backbones": {"backbone family": ["fsrcnn"]},
    "difficulty": {"difficulty estimator": ["interpolation", "network"]},
    "samples": {"data source": ["folder", "pairs", "samples"]},
    "runtimes": {"runtime": ["compile", "onnxruntime", "openvino", "torch"]},
    "models": {"model": ["denoise-dncnn-s25", "sr-fsrcnn-x4"]},
}


def test_plugins_shows_each_plugin_and_its_offers(command: Callable[..., Any]) -> None:
    done = command("plugins")

    assert (done.code, done.err) == (0, "")
    for plugin, offers in OFFERS.items():
        head, _, body = done.out.partition(f"{plugin}  restoreroute {version('restoreroute')}  active\n")
        assert body, f"{plugin} is missing in {head}"
        for kind, names in offers.items():
            line = next(line for line in body.splitlines() if line.startswith(f"    {kind}: "))
            assert set(names) <= set(line.removeprefix(f"    {kind}: ").split(", "))


def test_plugins_shows_what_is_blocked(command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTOREROUTE_BLOCK", "backbones")

    done = command("plugins")

    assert done.code == 0
    assert f"backbones  restoreroute {version('restoreroute')}  blocked" in done.out
    assert "backbone family" not in done.out


def test_list_shows_each_offer_below_its_kind(command: Callable[..., Any]) -> None:
    done = command("list")

    assert (done.code, done.err) == (0, "")
    for offers in OFFERS.values():
        for kind, names in offers.items():
            body = done.out.partition(f"{kind}:\n")[2]
            for name in names:
                assert f"    {name} " in body
    assert "[restoreroute]" in done.out


def test_describe_a_family_shows_options_and_costs(command: Callable[..., Any]) -> None:
    done = command("describe", "fsrcnn")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("backbone family fsrcnn: FSRCNN")
    assert f"from restoreroute {version('restoreroute')}" in done.out
    assert "initialisation (interpolating | official; default interpolating): " in done.out
    rows = [line.split() for line in done.out.splitlines() if line.strip().endswith(" M")]
    assert [row[0] for row in rows] == ["16", "36", "56"]
    assert all(float(row[-4]) < float(row[-2]) for row in rows), "the paper charges more than what is executed"


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("super_resolution", ["task super_resolution: ", "scale (integer >= 2, <= 8; default 4)"]),
        ("network", ["difficulty estimator network: ", "model (string | null; default None)"]),
        ("samples", ["data source samples: ", "split (train | validation | test; default required)"]),
        ("folder", ["data source folder: ", "path (string; default required)"]),
        ("pairs", ["data source pairs: ", "degraded (string; default required)", "has degraded images: yes"]),
        ("paired", ["task paired: ", "scale (integer >= 1, <= 8; default 1)", "makes degraded images: no"]),
        ("interpolation", ["difficulty estimator interpolation: "]),
    ],
)
def test_describe(name: str, facts: list[str], command: Callable[..., Any]) -> None:
    done = command("describe", name)

    assert (done.code, done.err) == (0, "")
    for fact in facts:
        assert fact in done.out


def test_describe_an_unknown_name(command: Callable[..., Any]) -> None:
    done = command("describe", "fsrcn")

    assert done.code == 2
    assert "'fsrcn'" in done.error
    assert "did you mean 'fsrcnn'?" in done.error


def test_schema_is_json_that_knows_the_offers(command: Callable[..., Any]) -> None:
    done = command("schema")
    schema = json.loads(done.out)

    assert (done.code, done.err) == (0, "")
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"task", "backbone", "data"} <= set(schema["required"])
    for name in ("super_resolution", "fsrcnn", "samples", "network"):
        assert f'"{name}"' in done.out
