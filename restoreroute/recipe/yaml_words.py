"""PyYAML's complaints about syntax in words for people who write recipes."""

from __future__ import annotations

import re

import yaml

PHRASES: tuple[tuple[str, str], ...] = (
    (r"found character '\\t'", "a tab character; indent and separate with spaces"),
    (r"found character '(?P<what>[^']+)' that cannot start", "text that begins with {what!r} needs quotes"),
    (
        r"mapping values are not allowed",
        "a ':' that doesn't belong here; check the indentation, or put the text in quotes",
    ),
    (r"could not find expected ':'", "a ':' is missing after a key, or a quote or bracket is not closed"),
    (r"expected ',' or '(?P<what>[\]}])'", "a ',' or '{what}' is missing"),
    (r"unexpected end of stream", "a quote is not closed"),
    (r"expected the node content|did not find expected node", "a value is missing"),
    (r"found undefined alias '?(?P<what>[^']+)'?", "the alias '*{what}' has no anchor '&{what}' before it"),
    (
        r"found unknown escape character '(?P<what>.)'",
        "'\\{what}' means nothing in double quotes; use single quotes",
    ),
    (r"expected a single document|but found another document", "a second document; a recipe is one"),
    (r"duplicate anchor '?(?P<what>[^';]+)'?", "the anchor '&{what}' is defined twice"),
    (
        r"sequence entries are not allowed",
        "a '-' that doesn't belong here; a list starts on a line of its own",
    ),
    (
        r"expected '<document start>'",
        "more text after the end of the recipe, or a '%' at the start of a line",
    ),
    (
        r"expected <block end>|did not find expected <?(block|document)",
        "the indentation doesn't fit the lines above",
    ),
)
"""What PyYAML says, as a pattern, and what is said instead."""


def in_plain_words(error: yaml.MarkedYAMLError, text: str) -> str:
    """What is wrong with the syntax, without YAML's technical terms where that is possible.

    Args:
        error: as raised by PyYAML.
        text: what it was reading.
    """
    mark = error.problem_mark
    if mark is not None and text.splitlines()[mark.line : mark.line + 1]:
        line = text.splitlines()[mark.line]
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return "a tab character; indent and separate with spaces"
    problem = f"{error.problem or ''} {error.context or ''}"
    for pattern, phrase in PHRASES:
        match = re.search(pattern, problem)
        if match:
            return phrase.format(**match.groupdict())
    return error.problem or error.context or "is no YAML"
