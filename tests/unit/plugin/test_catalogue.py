"""Looking names up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest

from restoreroute.errors import PluginError, UnknownNameError
from restoreroute.plugin.catalogue import Catalogue, Offered, missing_plugin
from restoreroute.plugin.host import PluginHost
from restoreroute.plugin.origin import PluginRecord, Status
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.plan import Provider
from restoreroute.spec.task import Task

MakeFamily = Callable[[str], BackboneFamily]

OWN = Provider(distribution="restoreroute", version="0.1")
OTHER = Provider(distribution="restoreroute-extra", version="1.2")


def record(status: Status, error: str = "", *, distribution: str = "restoreroute-extra") -> PluginRecord:
    return PluginRecord(
        name="extra", distribution=distribution, version="1.0", value="extra", status=status, error=error
    )


@pytest.fixture
def catalogue(family: MakeFamily) -> Catalogue:
    task = Task(name="carn", summary="s", build=lambda options: pytest.fail("built"))
    return Catalogue(
        offered=(Offered(family("rcan"), OWN), Offered(task, OWN), Offered(family("carn"), OTHER)),
    )


def test_shelves_hold_their_kind_sorted(catalogue: Catalogue) -> None:
    assert catalogue.backbones.names() == ("carn", "rcan")
    assert [offer.name for offer in catalogue.backbones] == ["carn", "rcan"]
    assert len(catalogue.backbones) == 2
    assert catalogue.tasks.names() == ("carn",)
    assert len(catalogue.data_sources) == len(catalogue.difficulty_estimators) == 0
    assert [shelf.kind for shelf in catalogue.shelves] == [
        "task", "backbone family", "difficulty estimator", "data source", "runtime", "model",
    ]  # fmt: skip


def test_get_gives_the_offering_and_its_provider(catalogue: Catalogue) -> None:
    offer = catalogue.backbones.get("carn")

    assert isinstance(offer, BackboneFamily)
    assert catalogue.backbones.provider("carn") == OTHER
    assert catalogue.provider(offer) == OTHER
    assert catalogue.provider(catalogue.tasks.get("carn")) == OWN


def test_provider_of_a_stranger(catalogue: Catalogue, family: MakeFamily) -> None:
    with pytest.raises(ValueError, match="backbone family 'carn' is not from this catalogue"):
        catalogue.provider(family("carn"))


@pytest.mark.parametrize("look_up", ["get", "provider"])
def test_unknown_name(catalogue: Catalogue, look_up: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        getattr(catalogue.backbones, look_up)("crn", where="r.yml:3:1")

    error = caught.value
    assert (error.kind, error.name, error.known) == ("backbone family", "crn", ("carn", "rcan"))
    assert str(error) == "r.yml:3:1: unknown backbone family 'crn' (did you mean 'carn'?)"


def test_unknown_name_mentions_plugins_that_are_not_active() -> None:
    broken = record("broken", "plugin 'extra' (restoreroute-extra 1.0): failed to load: X")
    blocked = record("blocked", "plugin 'more' (more 2.0): is blocked")
    catalogue = Catalogue(plugins=(broken, record("active"), blocked))

    with pytest.raises(UnknownNameError) as caught:
        catalogue.tasks.get("deblur")

    assert str(caught.value) == (
        "unknown task 'deblur' (no task is installed"
        "; plugin 'extra' (restoreroute-extra 1.0): failed to load: X; plugin 'more' (more 2.0): is blocked)"
    )


def test_find_looks_at_every_kind(catalogue: Catalogue) -> None:
    assert {offer.kind for offer in catalogue.find("carn")} == {"task", "backbone family"}
    assert [offer.name for offer in catalogue.find("rcan")] == ["rcan"]


def test_find_nothing(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownNameError, match=r"describe: unknown offering 'rcam' \(did you mean 'rcan'\?\)"):
        catalogue.find("rcam", where="describe")


def test_a_catalogue_is_frozen(catalogue: Catalogue) -> None:
    with pytest.raises(FrozenInstanceError):
        catalogue.tasks = catalogue.backbones  # type: ignore[assignment]
    with pytest.raises(FrozenInstanceError):
        catalogue.offered = ()  # type: ignore[misc]


def test_a_catalogue_does_not_follow_its_host() -> None:
    host = PluginHost()
    catalogue = host.catalogue()

    host.register(object(), name="late")

    assert catalogue.plugins == ()
    assert len(host.catalogue().plugins) == 1


def test_missing_plugin_is_to_be_installed() -> None:
    error = missing_plugin("backbone family", "x", OTHER, Catalogue(), where="model.safetensors")

    assert isinstance(error, PluginError)
    assert str(error) == (
        "model.safetensors: needs backbone family 'x' from distribution 'restoreroute-extra' 1.2"
        " (pip install restoreroute-extra)"
    )


@pytest.mark.parametrize("status", ["broken", "blocked"])
def test_missing_plugin_is_installed_but_not_active(status: Status) -> None:
    idle = record(status, "plugin 'extra' (RestoreRoute.Extra 1.0): why", distribution="RestoreRoute.Extra")

    error = missing_plugin("task", "x", OTHER, Catalogue(plugins=(idle,)))

    assert str(error) == (
        "needs task 'x' from distribution 'restoreroute-extra' 1.2"
        " (it is installed, but plugin 'extra' (RestoreRoute.Extra 1.0): why)"
    )


def test_missing_plugin_is_installed_in_a_version_without_it() -> None:
    error = missing_plugin("task", "x", OTHER, Catalogue(plugins=(record("active"),)))

    assert error.hint == "version 1.0 is installed and does not offer it: pip install restoreroute-extra==1.2"
