"""Where a plugin comes from, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from restoreroute.spec.plan import Provider

BLOCK_VARIABLE = "RESTOREROUTE_BLOCK"
"""Environment variable with the plugins to block; named in messages here, read by the application."""

Status = Literal["active", "broken", "blocked"]


def normalised(distribution: str) -> str:
    """The form in which names of distributions are compared (PyPA's name normalisation)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def parse_block(text: str) -> frozenset[str]:
    """Names in a comma-separated text; empty ones are dropped."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What names a plugin.

    Attributes:
        name: name of its entry point; two distributions may use the same.
        distribution: what is installed and uninstalled.
        version: of the distribution, empty where it is not known.
        value: what the entry point names, ``"package.module"`` or ``"package.module:object"``.
    """

    name: str
    distribution: str
    version: str
    value: str

    @property
    def key(self) -> str:
        """``distribution:name``, which no other plugin has."""
        return f"{normalised(self.distribution)}:{self.name}"

    @property
    def module(self) -> str:
        return self.value.partition(":")[0].strip()

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"plugin {self.name!r} ({f'{self.distribution} {self.version}'.strip()})"

    @property
    def provider(self) -> Provider:
        return Provider(distribution=self.distribution, version=self.version)

    def blocked_by(self, block: Collection[str]) -> str | None:
        """The entry of ``block`` that means this plugin: its name, distribution, module or key."""
        exact = {self.name, self.module, self.key}
        distribution = normalised(self.distribution)
        return next((entry for entry in sorted(block) if entry in exact or normalised(entry) == distribution), None)


@dataclass(frozen=True, kw_only=True)
class PluginRecord(Origin):
    """What became of a plugin.

    Attributes:
        status: ``"active"`` if all its offerings are in the catalogue; otherwise none of them is.
        error: one line on why it is not active and what to do about it; empty where it is.
        offers: names of its offerings, sorted, by kind (``"backbone family"``).
    """

    status: Status
    error: str = ""
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        origin: Origin,
        *,
        status: Status,
        error: str = "",
        offers: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Self:
        return cls(
            name=origin.name,
            distribution=origin.distribution,
            version=origin.version,
            value=origin.value,
            status=status,
            error=error,
            offers=offers or {},
        )
