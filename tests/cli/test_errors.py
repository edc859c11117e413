"""How commands end that can't do what they were asked to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restoreroute.cli.main import INTERRUPTED
from restoreroute.errors import RestorerouteError


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr("restoreroute.app.plugins.open_catalogue", broken)


def test_an_expected_error_is_one_line(command: Callable[..., Any]) -> None:
    done = command("check", "none.yml")

    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert done.out == ""


def test_debug_shows_where_an_error_came_from(
    monkeypatch: pytest.MonkeyPatch, here: Path, command: Callable[..., Any]
) -> None:
    from restoreroute.cli.main import main

    monkeypatch.setattr("sys.argv", ["restoreroute", "--debug", "check", "none.yml"])
    with pytest.raises(RestorerouteError, match=r"none\.yml"):
        main()

    fail_with(monkeypatch, ZeroDivisionError("by zero"))
    with pytest.raises(ZeroDivisionError):
        main()


def test_debug_prints_a_traceback(fresh_python: Callable[..., Any]) -> None:
    code = "import sys; from restoreroute.cli.main import main; sys.argv[1:1] = []; main()"

    done = fresh_python(code, "--debug", "check", "none.yml")

    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "restoreroute.errors.InputError: none.yml: " in done.stderr


def test_an_unexpected_error_is_one_line_too(monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]) -> None:
    fail_with(monkeypatch, ZeroDivisionError("by zero"))

    done = command("plugins")

    assert done.code == 1
    assert done.err == "error: ZeroDivisionError: by zero (run with --debug for the traceback)\n"


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())

    done = command("plugins")

    assert done.code == INTERRUPTED
    assert "Traceback" not in done.err
    assert done.err.strip() == "interrupted"


def test_ctrl_c_in_a_run_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any], recipe: Path
) -> None:
    def interrupt(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("restoreroute.app.run.run_recipe", interrupt)

    done = command("run", recipe)

    assert done.code == INTERRUPTED
    assert "the same command goes on from the last checkpoint" in done.out


def test_an_argument_too_few(command: Callable[..., Any]) -> None:
    done = command("run")

    assert done.code == 2
    assert "Missing argument 'RECIPE'" in done.err


def test_no_verb_at_all_shows_help(command: Callable[..., Any]) -> None:
    done = command()

    assert done.code == 2
    assert "Usage: " in done.out + done.err
