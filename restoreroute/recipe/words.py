"""Pydantic's errors in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from restoreroute.errors import nearest
from restoreroute.recipe.plain import shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

KINDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "none_required": "null",
    "finite_number": "a finite number",
}
LIMITS = {
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
}
SIZES = {
    "too_short": "must have {min_length} or more items, not {actual_length}",
    "too_long": "must have {max_length} or fewer items, not {actual_length}",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} or fewer characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
}


def in_plain_words(error: ErrorDetails, *, description: str | None = None, known: Sequence[str] = ()) -> str:
    """What is wrong with a value.

    Args:
        error: one error of a ``ValidationError``.
        description: of the field, for one that is missing.
        known: the keys beside an unknown one.
    """
    kind, value = error["type"], error["input"]
    facts = {name: _number(fact) for name, fact in error.get("ctx", {}).items()}
    if kind == "missing":
        return f"missing: {description}" if description else "missing"
    if kind == "extra_forbidden":
        return unknown_key(str(error["loc"][-1]), known)
    if kind in KINDS:
        return f"must be {KINDS[kind]}, not {shown(value)}"
    if kind in LIMITS:
        return f"must be {LIMITS[kind].format(**facts)}, not {shown(value)}"
    if kind in SIZES:
        return SIZES[kind].format(**facts)
    if kind in ("literal_error", "enum"):
        return one_of(value, re.findall(r"'([^']*)'", facts["expected"]), facts["expected"])
    if kind in ("value_error", "assertion_error"):
        return str(facts["error"]) or "is not accepted"
    text = error["msg"].replace("Input should be", "must be")
    return text[:1].lower() + text[1:]


def _number(fact: Any) -> Any:
    return f"{fact:g}" if isinstance(fact, float) else fact


def unknown_key(key: str, known: Sequence[str]) -> str:
    """A key that means nothing, with the nearest one that does."""
    meant = nearest(key, known)
    if meant is not None:
        return f"unknown key; did you mean {meant!r}?"
    return f"unknown key; known: {', '.join(known)}" if known else "unknown key; there is nothing to set here"


def one_of(value: object, known: Sequence[str], listed: str | None = None) -> str:
    """A value that is none of those allowed, with the nearest one.

    Args:
        value: what was given.
        known: the texts that are allowed.
        listed: all that is allowed, as text; by default ``known``.
    """
    meant = nearest(value, known) if isinstance(value, str) else None
    advice = f"; did you mean {meant!r}?" if meant else ""
    return f"must be {listed or ' or '.join(map(repr, known))}, not {shown(value)}{advice}"
