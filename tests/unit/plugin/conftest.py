"""Plugins made on the fly: offerings, and whole distributions in a temporary folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from textwrap import dedent

import pytest

from restoreroute.spec.backbone import BackboneFamily

MakeDistribution = Callable[..., list[EntryPoint]]
MakeFamily = Callable[[str], BackboneFamily]


@pytest.fixture
def family() -> MakeFamily:
    """Makes a backbone family that is never built."""

    def make(name: str) -> BackboneFamily:
        return BackboneFamily(
            name=name,
            summary="for tests",
            build=lambda options, **shape: pytest.fail("built"),
            widths=(4, 8),
            widths_for=lambda count: tuple(range(1, count + 1)),
            scales=frozenset({2}),
            receptive_field=lambda options, scale: 1,
        )

    return make


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDistribution]:
    """Writes a distribution with modules, puts it on ``sys.path`` and gives its entry points."""
    written: set[str] = set()

    def make(
        name: str,
        modules: Mapping[str, str],
        *,
        version: str = "1.0",
        entry_points: Mapping[str, str] | None = None,
    ) -> list[EntryPoint]:
        folder = tmp_path / f"{name}-{version}"
        metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir(parents=True)
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(dedent(text))
        written.update(modules)
        lines = [f"{key} = {value}" for key, value in (entry_points or {"extra": next(iter(modules))}).items()]
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (metadata / "entry_points.txt").write_text("\n".join(["[restoreroute]", *lines, ""]))
        monkeypatch.syspath_prepend(str(folder))
        return [point for found in distributions(path=[str(folder)]) for point in found.entry_points]

    yield make
    for module in written:
        sys.modules.pop(module, None)


@pytest.fixture
def plugin_text() -> Callable[[str], str]:
    """The source of a module that offers one backbone family."""

    def text(name: str) -> str:
        return f"""
            from restoreroute import hookimpl
            from restoreroute.spec.backbone import BackboneFamily

            def build(options, *, width, scale, channels):
                raise AssertionError("listing a family builds no network")

            @hookimpl
            def restoreroute_backbones():
                return [
                    BackboneFamily(
                        name={name!r}, summary="s", build=build, widths=(4, 8), widths_for=lambda n: (4,) * n,
                        scales=frozenset({{2}}), receptive_field=lambda options, scale: 1,
                    )
                ]
        """

    return text
