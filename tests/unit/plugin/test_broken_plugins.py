"""Each way to break a plugin: it is recorded with what is wrong and the fix, and the others stay active."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint

import pytest

from restoreroute.plugin.host import PluginHost
from restoreroute.plugin.origin import PluginRecord

HEAD = "from restoreroute import hookimpl\n"
HOOKS = (
    "restoreroute_tasks, restoreroute_backbones, restoreroute_difficulty_estimators, restoreroute_data_sources, "
    "restoreroute_runtimes, restoreroute_models"
)
WAY_OUT = "repair, update or uninstall restoreroute-bad, or set RESTOREROUTE_BLOCK=restoreroute-bad:extra"

Judge = Callable[..., PluginRecord]


@pytest.fixture
def judge(distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str]) -> Judge:
    """Loads a module between two sound plugins, which must stay active; gives its record."""

    def record(text: str, *, value: str = "rr_bad") -> PluginRecord:
        points = [
            *distribution("aaa", {"rr_before": plugin_text("before")}),
            *distribution("restoreroute-bad", {"rr_bad": text}, entry_points={"extra": value}),
            *distribution("zzz", {"rr_after": plugin_text("after")}),
        ]
        host = PluginHost.discover(entry_points=points)
        before, bad, after = host.records
        assert (before.status, after.status) == ("active", "active"), (before.error, after.error)
        assert host.catalogue().backbones.names() == ("after", "before")
        assert bad.offers == {}
        assert "\n" not in bad.error
        return bad

    return record


def assert_broken(record: PluginRecord, what: str, hint: str) -> None:
    assert record.status == "broken"
    assert record.error == f"plugin 'extra' (restoreroute-bad 1.0): {what} ({hint})"


def test_missing_dependency(judge: Judge) -> None:
    record = judge("import sys\n\nimport no_such_dependency\n")

    place = f"{sys.modules['rr_before'].__file__}".replace("aaa-1.0", "restoreroute-bad-1.0").replace("before", "bad")
    what = f"failed to load: ModuleNotFoundError: No module named 'no_such_dependency' at {place}:3"
    assert_broken(record, what, WAY_OUT)


def test_deepest_line_is_the_plugins_own(judge: Judge) -> None:
    record = judge("import json\ndef read():\n    return json.loads('{')\nread()\n")

    assert "failed to load: JSONDecodeError: Expecting property name" in record.error
    assert f"rr_bad.py:3 ({WAY_OUT})" in record.error


def test_syntax_error(judge: Judge) -> None:
    record = judge("x = 1\ndef broken(:\n    pass\n")

    assert "failed to load: SyntaxError: invalid syntax at " in record.error
    assert "rr_bad.py:2 (" in record.error


def test_exit_at_import(judge: Judge) -> None:
    assert "failed to load: SystemExit: 3 at " in judge("import sys\nsys.exit(3)\n").error


def test_a_message_of_several_lines_becomes_one(judge: Judge) -> None:
    assert "failed to load: RuntimeError: one two at " in judge("raise RuntimeError('one\\n  two')").error


def test_module_that_does_not_exist(judge: Judge) -> None:
    what = "failed to load: ModuleNotFoundError: No module named 'rr_absent'"
    assert_broken(judge("", value="rr_absent"), what, WAY_OUT)


def test_object_that_does_not_exist(judge: Judge) -> None:
    what = "failed to load: AttributeError: module 'rr_bad' has no attribute 'plugin'"
    assert_broken(judge("", value="rr_bad:plugin"), what, WAY_OUT)


def test_entry_point_that_names_nothing(judge: Judge) -> None:
    assert "failed to load: AttributeError" in judge("", value="???").error


@pytest.mark.parametrize("value", ["rr_bad", "rr_bad:NOTHING"])
def test_no_hook(judge: Judge, value: str) -> None:
    record = judge("NOTHING = None\ndef helper(): pass\n", value=value)

    assert_broken(record, f"{value} has no hook", f"define one of {HOOKS} with @restoreroute.hookimpl")


def test_misspelt_hook(judge: Judge) -> None:
    record = judge(f"{HEAD}@hookimpl\ndef restoreroute_task(): return []\n")

    assert_broken(record, "no hook is called restoreroute_task", "did you mean restoreroute_tasks?")


def test_hook_of_no_likeness(judge: Judge) -> None:
    record = judge(f"{HEAD}@hookimpl\ndef paint(): return []\n")

    assert_broken(record, "no hook is called paint", f"hooks are {HOOKS}")


def test_misspelt_specname(judge: Judge) -> None:
    record = judge(f"{HEAD}@hookimpl(specname='restoreroute_backbone')\ndef mine(): return []\n")

    assert_broken(record, "no hook is called restoreroute_backbone", "did you mean restoreroute_backbones?")


@pytest.mark.parametrize(
    ("name", "renamed"),
    [("restoreroute_tasks", ""), ("restoreroute_datasources", " and call it restoreroute_data_sources")],
)
def test_hook_without_marker(judge: Judge, name: str, renamed: str) -> None:
    record = judge(f"{HEAD}@hookimpl\ndef restoreroute_backbones(): return []\ndef {name}(): return []\n")

    assert_broken(record, f"{name} is not marked as a hook", f"put @restoreroute.hookimpl above it{renamed}")


def test_marker_of_another_project(judge: Judge) -> None:
    record = judge("import pluggy\n@pluggy.HookimplMarker('other')\ndef restoreroute_tasks(): return []\n")

    assert "restoreroute_tasks is not marked as a hook" in record.error


def test_wrong_arguments(judge: Judge) -> None:
    record = judge(f"{HEAD}@hookimpl\ndef restoreroute_tasks(config): return []\n")

    assert record.status == "broken"
    assert record.error.startswith("plugin 'extra' (restoreroute-bad 1.0): ")
    assert "restoreroute_tasks(config)" in record.error
    assert record.error.endswith("(hooks take no arguments)")


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_wrapper(judge: Judge, option: str) -> None:
    record = judge(f"{HEAD}@hookimpl({option}=True)\ndef restoreroute_tasks():\n    return (yield)\n")

    assert "restoreroute_tasks is marked as a wrapper" in record.error
    assert "use a bare @hookimpl" in record.error


@pytest.mark.parametrize(("raised", "shown"), [("KeyError('x')", "KeyError: 'x'"), ("SystemExit(1)", "SystemExit: 1")])
def test_hook_that_raises(judge: Judge, raised: str, shown: str) -> None:
    record = judge(f"{HEAD}@hookimpl\ndef restoreroute_tasks():\n    raise {raised}\n")

    assert f": restoreroute_tasks() raised {shown} at " in record.error
    assert f"rr_bad.py:4 ({WAY_OUT})" in record.error


@pytest.mark.parametrize(
    ("returned", "shown"),
    [
        ("None", "a NoneType"),
        ("'abc'", "a str"),
        ("{}", "a dict"),
        ("iter([])", "a list_iterator"),
        ("1", "an int"),
    ],
)
def test_hook_that_returns_no_sequence(judge: Judge, returned: str, shown: str) -> None:
    record = judge(f"{HEAD}@hookimpl\ndef restoreroute_tasks(): return {returned}\n")

    hint = "return a list of Task, empty if there is nothing to offer"
    assert_broken(record, f"restoreroute_tasks() returned {shown}", hint)


@pytest.mark.parametrize(
    ("item", "what", "hint"),
    [
        ("GOOD", "is a DataSource, not a Task", "return it from restoreroute_data_sources()"),
        ("'denoising'", "is a str, not a Task", "make it a Task"),
        ("Task", "is the class Task itself", "make one: Task(name=..., ...)"),
    ],
)
def test_item_of_another_type(judge: Judge, item: str, what: str, hint: str) -> None:
    record = judge(f"""
        from restoreroute import hookimpl
        from restoreroute.spec.source import DataSource
        from restoreroute.spec.task import Task

        GOOD = DataSource(name="folder", summary="s", build=list)
        TASK = Task(name="task", summary="s", build=list)

        @hookimpl
        def restoreroute_tasks():
            return [TASK, {item}]
    """)

    assert_broken(record, f"item 1 of restoreroute_tasks() {what}", hint)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ("name='Two Words', build=list", "is called 'Two Words'"),
        ("name='', build=list", "is called ''"),
        ("name=None, build=list", "is called None"),
        ("name='t', build=[]", "('t') has a list as its build"),
        ("name='t', build=list, options=dict", "('t') has options <class 'dict'>"),
        ("name='t', build=list, options=None", "('t') has options None"),
    ],
)
def test_item_with_a_flaw(judge: Judge, arguments: str, what: str) -> None:
    record = judge(f"""
        from restoreroute import hookimpl
        from restoreroute.spec.task import Task

        @hookimpl
        def restoreroute_tasks():
            return (Task(summary="s", {arguments}),)
    """)

    assert record.status == "broken"
    assert record.error.startswith(f"plugin 'extra' (restoreroute-bad 1.0): item 0 of restoreroute_tasks() {what} (")


def test_the_same_name_twice_in_one_plugin(judge: Judge) -> None:
    record = judge("""
        from restoreroute import hookimpl
        from restoreroute.spec.task import Task

        @hookimpl
        def restoreroute_tasks():
            return [Task(name="t", summary="s", build=list), Task(name="t", summary="other", build=list)]
    """)

    assert_broken(record, "offers task 't' twice", "rename one of them")


def test_module_that_can_not_be_looked_at(judge: Judge) -> None:
    record = judge("def __dir__():\n    raise OSError('hidden')\n")

    assert ": can't be inspected: OSError: hidden at " in record.error
    assert f"rr_bad.py:2 ({WAY_OUT})" in record.error


def test_errors_of_the_core_raised_by_a_plugin_are_the_plugins(judge: Judge) -> None:
    record = judge("from restoreroute.errors import PluginError\nraise PluginError('odd')\n")

    assert "plugin 'extra' (restoreroute-bad 1.0): failed to load: PluginError: odd at " in record.error


def test_sequence_that_raises(judge: Judge) -> None:
    record = judge("""
        from collections import UserList
        from restoreroute import hookimpl

        class Late(UserList):
            def __iter__(self):
                raise RuntimeError("late")

        @hookimpl
        def restoreroute_tasks():
            return Late()
    """)

    assert ": can't be inspected: RuntimeError: late at " in record.error
