"""A third-party plugin: built by pip, found by its entry point, used from the command line."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from textwrap import dedent

import pytest

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE / "restoreroute_sharpen_example"
RECIPE = HERE / "third_party.yml"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the Python of a fresh environment: the example installed, on top of this environment's packages.

    torch and the rest are not installed again; nothing is downloaded.
    """
    try:
        distribution("restoreroute")
    except PackageNotFoundError:
        pytest.skip("distribution restoreroute is not installed")
    folder = tmp_path_factory.mktemp("third_party")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    executable = environment / ("Scripts" if os.name == "nt" else "bin") / "python"

    def run(*arguments: str | Path, block: str = "", expected: int = 0) -> str:
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        variables |= {"RESTOREROUTE_BLOCK": block, "COLUMNS": "200", "NO_COLOR": "1"}
        done = subprocess.run(
            [executable, *arguments], capture_output=True, text=True, cwd=folder, env=variables, check=False
        )
        assert done.returncode == expected, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    own = Path(run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # addsitedir, not a bare path: it follows the .pth files there, so an editable installation is seen too.
    lines = [f"import site; site.addsitedir({outer!r})\n" for outer in site.getsitepackages()]
    (own / "outer.pth").write_text("".join(lines))

    # A copy, since a build leaves folders behind in its source.
    source = shutil.copytree(EXAMPLE, folder / "source")
    run("-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", source)
    assert (own / "restoreroute_sharpen_example.py").is_file()
    return run


def test_the_host_takes_it_in(python: Run) -> None:
    code = """
        import json, sys
        from restoreroute.plugin.host import PluginHost

        catalogue = PluginHost.discover().catalogue()
        record = next(plugin for plugin in catalogue.plugins if plugin.name == "sharpen")
        provider = catalogue.backbones.provider("tiny")
        print(json.dumps({
            "status": record.status,
            "error": record.error,
            "offers": dict(record.offers),
            "provider": [provider.distribution, provider.version],
            "torch": "torch" in sys.modules,
        }))
    """

    assert json.loads(python("-c", dedent(code))) == {
        "status": "active",
        "error": "",
        "offers": {"backbone family": ["tiny"], "difficulty estimator": ["sharpness"]},
        "provider": ["restoreroute-sharpen-example", "0.3"],
        "torch": False,
    }


def test_its_network_has_the_declared_shape(python: Run) -> None:
    code = """
        import torch
        from restoreroute.plugin.host import PluginHost

        tiny = PluginHost.discover().catalogue().backbones.get("tiny")
        for scale in sorted(tiny.scales):
            network = tiny.build(tiny.options(), width=tiny.widths[0], scale=scale, channels=3)
            print(*network(torch.zeros(1, 3, 6, 5)).shape)
    """

    assert python("-c", dedent(code)).splitlines() == ["1 3 12 10", "1 3 18 15", "1 3 24 20"]


def test_plugins_shows_it(python: Run) -> None:
    shown = python("-m", "restoreroute", "plugins")

    for fact in ("sharpen", "restoreroute-sharpen-example", "0.3", "active", "tiny", "sharpness"):
        assert fact in shown


def test_list_shows_its_offerings(python: Run) -> None:
    shown = python("-m", "restoreroute", "list")

    assert "two convolutions and a pixel shuffle" in shown
    assert "sharpness" in shown


def test_describe_shows_its_options(python: Run) -> None:
    shown = python("-m", "restoreroute", "describe", "tiny")

    for fact in ("backbone family", "restoreroute-sharpen-example", "kernel", "side of both convolutions"):
        assert fact in shown


def test_a_recipe_can_name_it(python: Run) -> None:
    shown = python("-m", "restoreroute", "run", RECIPE, "--dry-run")

    assert "tiny-4" in shown
    assert "tiny-8" in shown


def test_blocked_it_is_named_in_the_error(python: Run) -> None:
    shown = python("-m", "restoreroute", "run", RECIPE, "--dry-run", block="sharpen", expected=2)

    line = " ".join(shown.split())
    assert "unknown backbone family 'tiny'" in line
    assert "plugin 'sharpen' (restoreroute-sharpen-example 0.3): is blocked" in line
    assert "RESTOREROUTE_BLOCK" in line
