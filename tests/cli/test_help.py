"""Help: quick to come, with examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from restoreroute.cli.main import cli

VERBS = [
    "run",
    "check",
    "results",
    "schema",
    "restore",
    "calibrate",
    "evaluate",
    "sweep",
    "bench",
    "convert",
    "export",
    "models",
    "plugins",
    "list",
    "describe",
]

NO_TORCH = """
import json, sys
from restoreroute.cli.main import main
sys.argv = ["restoreroute", *sys.argv[1:]]
try:
    main()
except SystemExit as stop:
    heavy = [name for name in ("torch", "scipy", "skimage", "numpy", "pydantic", "rich") if name in sys.modules]
    print("\\n" + json.dumps([stop.code, heavy]))
"""


def test_these_verbs_there_are() -> None:
    assert sorted(cli.commands) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(verb: str, command: Callable[..., Any]) -> None:
    done = command(verb, "--help")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: ")
    examples = done.out.partition("Examples:\n")[2]
    assert f"restoreroute {verb}" in examples


def test_help_names_every_verb_and_gives_examples(command: Callable[..., Any]) -> None:
    done = command("--help")

    assert done.code == 0
    assert "Examples:" in done.out
    for verb in VERBS:
        assert f"\n  {verb} " in done.out


def test_every_option_of_every_verb_is_described() -> None:
    for name, verb in cli.commands.items():
        for parameter in verb.params:
            if parameter.param_type_name == "option":
                assert getattr(parameter, "help", None), f"{name} {parameter.name}"


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["restore", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str], fresh_python: Callable[..., Any]) -> None:
    done = fresh_python(NO_TORCH, *arguments)

    assert json.loads(done.stdout.splitlines()[-1]) == [0, []], done.stderr


@pytest.mark.parametrize("verb", ["check", "plugins", "list", "models", "schema"])
def test_light_verbs_import_no_torch(verb: str, fresh_python: Callable[..., Any], recipe: Any) -> None:
    done = fresh_python(NO_TORCH, verb, *([recipe] if verb == "check" else []))

    code, heavy = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert "torch" not in heavy


def test_an_unknown_verb_is_an_error_in_words(command: Callable[..., Any]) -> None:
    done = command("restroe")

    assert done.code == 2
    assert "No such command 'restroe'" in done.err


def test_an_unknown_option_is_an_error_in_words(command: Callable[..., Any]) -> None:
    done = command("run", "x.yml", "--frsh")

    assert done.code == 2
    assert "--fresh" in done.err
