"""The base of every set of options: of plugins, of stages, of the recipe itself."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Options that belong to the thing that they configure.

    Frozen, strict in types, unknown keys refused, and every field carries a description: the descriptions are
    the reference that ``restoreroute describe`` prints and that editors show.

    Raises:
        TypeError: when a subclass declares a field without a description.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        bare = [name for name, field in cls.model_fields.items() if not field.description]
        if bare:
            raise TypeError(f"{cls.__name__}: options without a description: {', '.join(bare)}")


class NoOptions(Options):
    """For offerings that have nothing to set."""
