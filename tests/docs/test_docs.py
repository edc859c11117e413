"""Documents hold what they promise: links lead somewhere, every hook and option is named, examples run."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from restoreroute.app.plugins import open_catalogue
from restoreroute.cli.main import cli
from restoreroute.errors import InputError
from restoreroute.plugin import hookspecs
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.plugin.host import PluginHost
from restoreroute.recipe.document import document_from
from restoreroute.recipe.resolve import resolve
from restoreroute.spec.routing import RoutingOptions
from restoreroute.spec.stages import Stages

ROOT = Path(__file__).resolve().parents[2]
CARDS = (ROOT / "plugins" / "restoreroute_models" / "models").glob("*.md")
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *CARDS])


def blocks(document: str, language: str) -> list[str]:
    """Code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), flags=re.S)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if not target.startswith("https://"):
            assert (document.parent / target).exists(), target


def test_every_hook_is_described() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text()
    hooks = [name for name in vars(hookspecs) if name.startswith("restoreroute_")]
    assert len(hooks) == len(Catalogue.kinds())
    for hook in hooks:
        assert f"`{hook}`" in text


def test_every_verb_is_mentioned() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    for verb in cli.commands:
        assert f"restoreroute {verb}" in text


def test_the_example_plugin_works() -> None:
    source, _ = blocks("docs/plugins.md", "python")
    namespace: dict[str, object] = {"__name__": "restoreroute_tiny"}
    exec(compile(source, "docs/plugins.md", "exec"), namespace)
    host = PluginHost()
    plugin = type("Plugin", (), {"restoreroute_backbones": staticmethod(namespace["restoreroute_backbones"])})()
    record = host.register(plugin, name="tiny", distribution="restoreroute-tiny")
    assert record.status == "active", record.error
    family = host.catalogue().backbones.get("tiny")
    network = family.build(family.options(), width=4, scale=3, channels=3)
    assert network(torch.rand(1, 3, 5, 4)).shape == (1, 3, 15, 12)


def test_the_example_runtime_works(monkeypatch: pytest.MonkeyPatch) -> None:
    _, source = blocks("docs/plugins.md", "python")
    namespace: dict[str, Any] = {"__name__": "restoreroute_fast"}
    exec(compile(source, "docs/plugins.md", "exec"), namespace)
    (runtime,) = namespace["restoreroute_runtimes"]()
    monkeypatch.setitem(sys.modules, "fast_engine", None)
    with pytest.raises(InputError, match="runtime fast: needs the package fast_engine"):
        runtime.build(runtime.options())

    session = type("Session", (), {"__init__": lambda self, file: None, "run": lambda self, windows: windows + 1})
    monkeypatch.setitem(sys.modules, "fast_engine", SimpleNamespace(Session=session))
    run = runtime.build(runtime.options())(torch.nn.Identity(), lambda: b"an ONNX file")
    assert torch.equal(run(torch.zeros(1, 3, 5, 4)), torch.ones(1, 3, 5, 4))


def test_the_example_recipe_resolves_and_shows_the_defaults() -> None:
    (source,) = blocks("docs/recipes.md", "yaml")
    recipe = yaml.safe_load(source.replace("1e-3", "1.0e-3").replace("2e-4", "2.0e-4"))
    plan = resolve(document_from(recipe), open_catalogue(), default_name="example")
    assert (plan.stages, plan.routing) == (Stages(), RoutingOptions())
    assert (plan.losses.image, plan.losses.class_, plan.losses.average) == (2000, 1, 6)


RESULTS = sorted((ROOT / "docs" / "results").glob("*.json"))


def test_there_are_results_of_every_recipe_on_the_embedded_photos() -> None:
    recipes = {recipe.stem for recipe in (ROOT / "recipes").glob("*.yml")}
    assert recipes <= {result.stem for result in RESULTS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tables_are_those_of_the_results(document: Path) -> None:
    """Nothing in a table is typed: ``python docs/tables.py`` writes them."""
    text = document.read_text()
    assert runpy.run_path(str(ROOT / "docs" / "tables.py"))["filled"](text) == text


@pytest.mark.parametrize("result", RESULTS, ids=lambda path: path.stem)
def test_results_are_shown(result: Path) -> None:
    assert any(
        re.search(rf"<!-- (full|sets|bench|ratios|budgets|trials):[^>]* {result.stem} ", document.read_text())
        for document in DOCUMENTS
    )
