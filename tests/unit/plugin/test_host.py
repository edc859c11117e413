"""Admitting plugins: all or nothing, and what is not an error."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from restoreroute import hookimpl
from restoreroute.plugin import hookspecs
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.plugin.host import PluginHost
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.source import DataSource
from restoreroute.spec.task import Task

MakeFamily = Callable[[str], BackboneFamily]


class Plugin:
    """A plugin as an object."""

    def __init__(self, *families: BackboneFamily, tasks: tuple[Task, ...] = ()) -> None:
        self.families = families
        self.tasks = tasks

    @hookimpl
    def restoreroute_backbones(self) -> tuple[BackboneFamily, ...]:
        return self.families

    @hookimpl
    def restoreroute_tasks(self) -> list[Task]:
        return list(self.tasks)


def task(name: str) -> Task:
    return Task(name=name, summary="for tests", build=lambda options: pytest.fail("built"))


def test_every_hook_has_a_shelf_and_every_shelf_a_hook() -> None:
    specified = {
        name for name, _ in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("restoreroute_")
    }

    assert {kind.hook for kind in Catalogue.kinds()} == specified


def test_an_object_can_be_registered(family: MakeFamily) -> None:
    host = PluginHost()

    record = host.register(Plugin(family("b"), family("a"), tasks=(task("a"),)), name="mine")

    assert record.status == "active", record.error
    assert (record.distribution, record.value) == ("embedded", f"{__name__}:Plugin")
    assert record.offers == {"backbone family": ("a", "b"), "task": ("a",)}
    assert host.records == (record,)


def test_a_module_can_be_registered() -> None:
    record = PluginHost().register(hookspecs, name="specs", distribution="d", version="3")

    assert record.value == "restoreroute.plugin.hookspecs"
    assert "is not marked as a hook" in record.error


def test_a_registered_plugin_can_be_blocked(family: MakeFamily) -> None:
    assert PluginHost(block={"mine"}).register(Plugin(family("a")), name="mine").status == "blocked"


def test_a_taken_name_refuses_the_whole_later_plugin(family: MakeFamily) -> None:
    host = PluginHost()
    host.register(Plugin(family("tiny")), name="models", distribution="First_One", version="1.0")

    later = host.register(
        Plugin(family("fresh"), family("tiny"), tasks=(task("fresh"),)),
        name="models",
        distribution="second",
        version="2.0",
    )

    assert later.status == "broken"
    assert later.error == (
        "plugin 'models' (second 2.0): backbone family 'tiny' is already offered by"
        " plugin 'models' (First_One 1.0)"
        " (keep one: RESTOREROUTE_BLOCK=first-one:models or RESTOREROUTE_BLOCK=second:models)"
    )
    assert later.offers == {}
    catalogue = host.catalogue()
    assert catalogue.backbones.names() == ("tiny",)
    assert catalogue.tasks.names() == ()


def test_a_refused_plugin_takes_no_names(family: MakeFamily) -> None:
    host = PluginHost()
    host.register(Plugin(family("tiny")), name="one")
    host.register(Plugin(family("tiny"), family("free")), name="two")

    assert host.register(Plugin(family("free")), name="three").status == "active"


def test_blocking_one_side_of_a_clash_lets_the_other_in(family: MakeFamily) -> None:
    host = PluginHost(block={"one:models"})

    host.register(Plugin(family("tiny")), name="models", distribution="one")
    later = host.register(Plugin(family("tiny")), name="models", distribution="two")

    assert later.status == "active"


def test_kinds_have_names_of_their_own(family: MakeFamily) -> None:
    host = PluginHost()
    host.register(Plugin(family("same")), name="one")

    assert host.register(Plugin(tasks=(task("same"),)), name="two").status == "active"


def test_an_empty_list_is_a_sound_answer() -> None:
    record = PluginHost().register(Plugin(), name="empty")

    assert (record.status, record.offers) == ("active", {})


def test_helpers_and_foreign_functions_are_no_hooks(family: MakeFamily) -> None:
    class Careful(Plugin):
        def restoreroute_task_names(self) -> list[str]:
            return []

        restoreroute_data_sources = staticmethod(hookspecs.restoreroute_data_sources)
        restoreroute_tools = inspect

    assert PluginHost().register(Careful(family("a")), name="careful").status == "active"


def test_an_unmarked_method_is_found() -> None:
    class Forgetful(Plugin):
        def restoreroute_data_source(self) -> list[DataSource]:
            return []

    error = PluginHost().register(Forgetful(), name="forgetful").error
    assert "restoreroute_data_source is not marked as a hook" in error


def test_a_hook_of_another_version_may_be_optional(family: MakeFamily) -> None:
    @hookimpl(optionalhook=True)
    def restoreroute_from_the_future() -> None:
        pytest.fail("called")

    @hookimpl(specname="restoreroute_backbones")
    def families() -> list[BackboneFamily]:
        return [family("a")]

    plugin = SimpleNamespace(restoreroute_from_the_future=restoreroute_from_the_future, families=families)

    record = PluginHost().register(plugin, name="modern")

    assert record.offers == {"backbone family": ("a",)}


def test_hooks_are_called_once() -> None:
    calls: list[str] = []

    @hookimpl
    def restoreroute_tasks() -> list[Task]:
        calls.append("called")
        return []

    host = PluginHost()
    host.register(SimpleNamespace(restoreroute_tasks=restoreroute_tasks), name="counted")
    host.register(Plugin(), name="other")
    host.catalogue()
    host.catalogue()

    assert calls == ["called"]


def test_interruption_is_not_swallowed() -> None:
    @hookimpl
    def restoreroute_tasks() -> list[Task]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PluginHost().register(SimpleNamespace(restoreroute_tasks=restoreroute_tasks), name="stopped")
