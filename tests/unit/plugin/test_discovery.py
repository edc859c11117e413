"""Finding plugins: order, duplicates, blocking, and that a broken one stops nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, PackageNotFoundError
from importlib.metadata import distribution as installed_distribution
from pathlib import Path

import pytest

from restoreroute.plugin.discovery import candidates
from restoreroute.plugin.host import PluginHost
from restoreroute.plugin.origin import parse_block
from restoreroute.spec.plan import Provider

ROOT = Path(__file__).resolve().parents[3]


def test_a_plugin_of_another_distribution_is_active(
    distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str]
) -> None:
    points = distribution("restoreroute-extra", {"rr_extra": plugin_text("tiny")}, version="1.2")

    host = PluginHost.discover(entry_points=points)

    (record,) = host.records
    assert (record.name, record.distribution, record.version) == ("extra", "restoreroute-extra", "1.2")
    assert (record.value, record.status, record.error) == ("rr_extra", "active", "")
    assert record.offers == {"backbone family": ("tiny",)}
    catalogue = host.catalogue()
    assert catalogue.backbones.names() == ("tiny",)
    assert catalogue.backbones.provider("tiny") == Provider(distribution="restoreroute-extra", version="1.2")


def test_own_distribution_comes_first_then_the_alphabet(
    distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str]
) -> None:
    points = [
        *distribution("Zeta", {"rr_z": plugin_text("z")}),
        *distribution("alpha_b", {"rr_a": plugin_text("a")}),
        *distribution(
            "restoreroute",
            {"rr_own1": plugin_text("o1"), "rr_own2": plugin_text("o2")},
            entry_points={"two": "rr_own2", "one": "rr_own1"},
        ),
        *distribution("Alpha.C", {"rr_c": plugin_text("c")}),
    ]

    keys = [record.key for record in PluginHost.discover(entry_points=points).records]

    assert keys == ["restoreroute:one", "restoreroute:two", "alpha-b:extra", "alpha-c:extra", "zeta:extra"]


def test_two_distributions_may_use_one_entry_point_name(
    distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str]
) -> None:
    points = [
        *distribution("first", {"rr_first": plugin_text("a")}),
        *distribution("second", {"rr_second": plugin_text("b")}),
    ]

    host = PluginHost.discover(entry_points=points)

    assert [record.status for record in host.records] == ["active", "active"]
    assert host.catalogue().backbones.names() == ("a", "b")


def test_the_first_of_two_copies_of_a_distribution_counts(
    distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str]
) -> None:
    old = distribution("some-thing", {"rr_copy": plugin_text("old")}, version="1.0")
    new = distribution("Some_Thing", {"rr_copy": plugin_text("new")}, version="2.0")

    (record,) = PluginHost.discover(entry_points=[*new, *old]).records

    assert (record.version, record.status) == ("2.0", "active")


def test_copies_on_the_path_do_not_add_up(
    distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str]
) -> None:
    two = {"kept": "rr_copy", "dropped": "rr_copy"}
    distribution("rr-copies", {"rr_copy": plugin_text("old")}, version="1.0", entry_points=two)
    distribution("rr-copies", {"rr_copy": plugin_text("new")}, version="2.0", entry_points={"kept": "rr_copy"})

    found = [candidate for candidate in candidates() if candidate.distribution == "rr-copies"]

    assert [(candidate.name, candidate.version) for candidate in found] == [("kept", "2.0")]


def test_unreadable_metadata_stops_nobody_else(
    distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str], tmp_path: Path
) -> None:
    distribution("rr-torn", {"rr_torn": ""})
    distribution("rr-foreign", {"rr_foreign": ""})
    distribution("rr-good", {"rr_good": plugin_text("rr-good-family")})
    (torn,) = tmp_path.glob("rr-torn*/*.dist-info/entry_points.txt")
    torn.write_text("[restoreroute]\nno equals sign\n")
    (foreign,) = tmp_path.glob("rr-foreign*/*.dist-info/entry_points.txt")
    foreign.write_text("[console_scripts]\nno equals sign\n")

    host = PluginHost.discover()

    assert "rr-good-family" in host.catalogue().backbones.names()
    (record,) = [record for record in host.records if record.distribution == "rr-torn"]
    assert record.status == "broken"
    assert "entry_points.txt can't be read" in record.error
    assert "rr-foreign" not in {record.distribution for record in host.records}


def test_an_entry_point_without_a_distribution_is_taken() -> None:
    (record,) = PluginHost.discover(entry_points=[EntryPoint("lost", "no_such_module", "restoreroute")]).records

    assert record.status == "broken"
    assert record.error.startswith("plugin 'lost' (unknown distribution): failed to load: ModuleNotFoundError")


@pytest.mark.parametrize(
    "entry", ["extra", "rr_extra", "restoreroute-extra", "RestoreRoute_Extra", "restoreroute-extra:extra"]
)
def test_blocked_plugins_are_not_even_imported(
    entry: str, distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str]
) -> None:
    points = [
        *distribution("restoreroute-extra", {"rr_extra": "raise SystemExit('imported')"}),
        *distribution("other", {"rr_other": plugin_text("kept")}, entry_points={"other": "rr_other"}),
    ]

    host = PluginHost.discover(block={entry, "nobody"}, entry_points=points)

    other, blocked = host.records
    assert other.status == "active"
    assert blocked.status == "blocked"
    assert blocked.error == (
        f"plugin 'extra' (restoreroute-extra 1.0): is blocked (take {entry!r} out of RESTOREROUTE_BLOCK to load it)"
    )
    assert "rr_extra" not in sys.modules


def test_parse_block_drops_blanks() -> None:
    assert parse_block(" a, ,b:c,,") == frozenset({"a", "b:c"})
    assert parse_block("") == frozenset()


def test_discovery_imports_no_torch(
    distribution: Callable[..., list[EntryPoint]], plugin_text: Callable[[str], str], tmp_path: Path
) -> None:
    distribution("rr-light", {"rr_light": plugin_text("rr-light-family")})
    code = """
import sys
from restoreroute.plugin.host import PluginHost
catalogue = PluginHost.discover().catalogue()
print("rr-light-family" in catalogue.backbones.names(), "torch" in sys.modules)
"""
    path = os.pathsep.join([str(tmp_path / "rr-light-1.0"), str(ROOT), str(ROOT / "plugins")])

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )

    assert done.stdout.split() == ["True", "False"]


def test_first_party_plugins_are_active() -> None:
    try:
        own = installed_distribution("restoreroute")
    except PackageNotFoundError:
        pytest.skip("distribution restoreroute is not installed")

    records = [record for record in PluginHost.discover().records if record.distribution == "restoreroute"]

    assert [record.error for record in records] == [""] * len(records)
    declared = sorted(point.name for point in own.entry_points.select(group="restoreroute"))
    assert [record.name for record in records] == declared
    assert declared
