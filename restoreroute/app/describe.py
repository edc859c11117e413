"""What an offering is: facts, options, and for a family what its widths cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from restoreroute.plugin.catalogue import Catalogue
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.offering import Offering
from restoreroute.spec.options import Options
from restoreroute.spec.plan import Provider

PATCH = 32
RGB = 3


@dataclass(frozen=True, kw_only=True)
class OptionFacts:
    """One option as a user sets it."""

    name: str
    type: str
    default: str
    description: str


@dataclass(frozen=True, kw_only=True)
class WidthFacts:
    """One width of a family: operations for one 32 x 32 patch, 2 per multiply-accumulate."""

    width: int
    parameters: int
    executed: int
    paper: int


@dataclass(frozen=True, kw_only=True)
class Description:
    """Everything to know about an offering before it is used."""

    kind: str
    name: str
    summary: str
    provider: Provider
    facts: dict[str, Any]
    options: tuple[OptionFacts, ...]
    scale: int | None = None
    widths: tuple[WidthFacts, ...] = ()


def describe(name: str, catalogue: Catalogue) -> list[Description]:
    """Every offering of that name.

    Raises:
        UnknownNameError: if there is none.
    """
    return [_describe(offer, catalogue) for offer in catalogue.find(name)]


def _describe(offer: Offering[Any], catalogue: Catalogue) -> Description:
    family = offer if isinstance(offer, BackboneFamily) else None
    scale = None if family is None else max(family.scales)
    return Description(
        kind=offer.kind,
        name=offer.name,
        summary=offer.summary,
        provider=catalogue.provider(offer),
        facts=offer.facts(),
        options=tuple(option_facts(offer.options)),
        scale=scale,
        widths=() if family is None or scale is None else tuple(_widths(family, scale)),
    )


def option_facts(options: type[Options]) -> Sequence[OptionFacts]:
    """The options of an offering in the order of their declaration."""
    schema = options.model_json_schema()["properties"] if options.model_fields else {}
    facts = []
    for name, field in options.model_fields.items():
        key = field.alias or name
        required = field.is_required()
        facts.append(
            OptionFacts(
                name=key,
                type=_type_words(schema[key]),
                default="required" if required else str(field.get_default(call_default_factory=True)),
                description=field.description or "",
            )
        )
    return facts


def _type_words(schema: dict[str, Any]) -> str:
    """A JSON schema type in few words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_type_words(part) for part in schema["anyOf"])
    limits = [
        f"{sign} {schema[key]}"
        for key, sign in (
            ("minimum", ">="),
            ("exclusiveMinimum", ">"),
            ("maximum", "<="),
            ("exclusiveMaximum", "<"),
        )
        if key in schema
    ]
    words: str = schema.get("type", "any")
    return f"{words} {', '.join(limits)}".rstrip()


def _widths(family: BackboneFamily, scale: int) -> list[WidthFacts]:
    from restoreroute.routing.cost import measure_cost

    facts = []
    for width in family.widths:
        cost = measure_cost(
            family.build(family.options(), width=width, scale=scale, channels=RGB), (1, RGB, PATCH, PATCH)
        )
        facts.append(WidthFacts(width=width, parameters=cost.parameters, executed=cost.executed, paper=cost.paper))
    return facts
