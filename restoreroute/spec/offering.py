"""What a plugin offers: one generic behind tasks, families, estimators and data sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from restoreroute.spec.options import NoOptions, Options

BuiltT = TypeVar("BuiltT")


@dataclass(frozen=True, kw_only=True)
class Offering(Generic[BuiltT]):
    """A named thing that recipes can ask for: cheap data about it, and how to build it.

    Attributes:
        name: what recipes call it; lower case, unique within its kind.
        summary: one line for listings.
        build: makes the thing; its first argument is an instance of ``options``, what follows is said by the
            subclass.  Heavy imports (torch) belong inside it.
        options: the options that it takes.
    """

    kind: ClassVar[str] = "offering"

    name: str
    summary: str
    build: Callable[..., BuiltT]
    options: type[Options] = field(default=NoOptions)

    def facts(self) -> dict[str, Any]:
        """Capabilities beyond name, summary and options, for listings."""
        return {}
