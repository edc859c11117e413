"""Pydantic's errors in plain words, for kinds of options that plugins may have."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, field_validator, model_validator

from restoreroute.recipe.document import Document, parse_document
from restoreroute.recipe.findings import Findings
from restoreroute.spec.options import Options


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Round(Options):
    kind: Literal["round"] = Field(description="kind")
    radius: int = Field(description="radius")


class Square(Options):
    kind: Literal["square"] = Field(description="kind")
    side: int = Field(description="side")


class Varied(Options):
    colour: Colour = Field(Colour.RED, description="colour")
    place: Path | None = Field(None, description="a path")
    shape: Annotated[Round | Square, Field(discriminator="kind")] | None = Field(None, description="shape")
    size: int | str = Field(1, description="size")
    even: int = Field(0, multiple_of=2, description="an even number")
    code: str = Field("ab", min_length=2, max_length=3, pattern="^[a-z]+$", description="a code")
    table: dict[str, int] = Field(default_factory=dict, description="numbers by name")
    shapes: tuple[Round, ...] = Field((), max_length=1, description="shapes")
    level: Literal[1, 2] = Field(1, description="level")
    low: int = Field(0, description="lower end")
    high: int = Field(9, description="upper end")

    @field_validator("low")
    @classmethod
    def _not_thirteen(cls, low: int) -> int:
        if low == 13:
            raise ValueError("13 is no number for a hotel")
        return low

    @model_validator(mode="after")
    def _in_order(self) -> Varied:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) is above high ({self.high})")
        return self


def found(text: str) -> list[str]:
    document: Document = parse_document(f"it: {text}\n", "r.yml")
    findings = Findings(document)
    data: Any = document.data["it"]
    assert (findings.model(Varied, data, ("it",)) is None) == bool(findings.problems())
    return [str(problem) for problem in findings.problems()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{colour: rad}", "1:14: it.colour: must be 'red' or 'blue', not text 'rad'; did you mean 'red'?"),
        ("{colour: 5}", "1:14: it.colour: must be 'red' or 'blue', not 5"),
        ("{level: 3}", "1:13: it.level: must be 1 or 2, not 3"),
        ("{place: 5}", "1:13: it.place: must be text, not 5"),
        ("{even: 3}", "1:12: it.even: must be a multiple of 2, not 3"),
        ("{code: a}", "1:12: it.code: must have 2 or more characters"),
        ("{code: abcd}", "1:12: it.code: must have 3 or fewer characters"),
        ("{code: a-b}", "1:12: it.code: must match the pattern ^[a-z]+$"),
        ("{table: {a: x}}", "1:17: it.table.a: must be a whole number, not text 'x'"),
        ("{table: [1]}", "1:13: it.table: must be a mapping of keys to values, not a list"),
        ("{shape: {kind: round, radius: x}}", "1:35: it.shape.radius: must be a whole number, not text 'x'"),
        (
            "{shape: {kind: round, radus: 1, radius: 1}}",
            "1:27: it.shape.radus: unknown key; did you mean 'radius'?",
        ),
        ("{shape: {kind: square}}", "1:6: it.shape.side: missing: side"),
        ("{shapes: [{kind: round}]}", "1:15: it.shapes.0.radius: missing: radius"),
        (
            "{shapes: [{kind: round, radius: 1}, {kind: round, radius: 1}]}",
            "1:14: it.shapes: must have 1 or fewer items, not 2",
        ),
        ("{low: 13, high: 20}", "1:11: it.low: 13 is no number for a hotel"),
        ("{low: 11}", "1:5: it: low (11) is above high (9)"),
    ],
)
def test_words(text: str, message: str) -> None:
    assert found(text) == [f"r.yml:{message}"]


def test_each_way_that_a_union_fails() -> None:
    assert found("{size: [1]}") == [
        "r.yml:1:12: it.size: must be a whole number, not a list",
        "r.yml:1:12: it.size: must be text, not a list",
    ]


def test_a_long_text_is_cut() -> None:
    assert found(f"{{even: {'x' * 100}}}") == [f"r.yml:1:12: it.even: must be a whole number, not text '{'x' * 57}...'"]


def test_kinds_without_words_of_their_own_keep_pydantics() -> None:
    [message] = found("{shape: {kind: oval}}")
    assert message.startswith("r.yml:1:13: it.shape: input tag 'oval'")
