"""YAML 1.2's core schema for PyYAML: which plain scalars are numbers, booleans or null, and which are text.

PyYAML follows YAML 1.1, where ``2e-4`` is text, ``no`` is false, ``010`` is 8, ``1:30`` is 90 and
``2024-01-01`` is a date.  Source of the rules: YAML 1.2.2, section 10.3.2.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, TEXT = (TAG + name for name in ("null", "bool", "int", "float", "str"))
SCALARS = frozenset({NULL, BOOL, INT, FLOAT, TEXT})

PLAIN_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (NULL, re.compile(r"(?:null|Null|NULL|~|)\Z")),
    (BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")),
    (INT, re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")),
    (
        FLOAT,
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
    ),
)
"""What a plain scalar has to look like to be more than text; the first match counts."""


class CoreLoader(yaml.SafeLoader):
    """Composes nodes whose plain scalars are tagged by the core schema."""


CoreLoader.yaml_implicit_resolvers = {None: list(PLAIN_FORMS)}


class CoreDumper(yaml.SafeDumper):
    """Writes what both YAML 1.1 and YAML 1.2 readers understand alike.

    Text that either version would take for something else is quoted.  Mappings are written in blocks, lists
    inline.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_inline(self, data: list[Any]) -> yaml.Node:
        return self.represent_sequence(TAG + "seq", data, flow_style=True)

    def represent_text(self, data: str) -> yaml.Node:
        # other styles lose line breaks such as U+0085
        return self.represent_scalar(TEXT, data, style=None if data.isprintable() else '"')


CoreDumper.yaml_implicit_resolvers = {
    **yaml.SafeDumper.yaml_implicit_resolvers,
    None: list(PLAIN_FORMS),
}
CoreDumper.add_representer(list, CoreDumper.represent_inline)
CoreDumper.add_representer(str, CoreDumper.represent_text)


def scalar_value(tag: str, text: str) -> object:
    """The value of a scalar with one of the core tags.

    Raises:
        ValueError: if the text is not of that kind; the message is fit for users.
    """
    if tag == TEXT:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError("text with half a surrogate pair, which is no Unicode text")
        return text
    if not any(tag == known and form.match(text) for known, form in PLAIN_FORMS):
        raise ValueError(f"{text!r} is not what its tag '!!{tag.removeprefix(TAG)}' says")
    if tag == NULL:
        return None
    if tag == BOOL:
        return text.lower() == "true"
    if tag == INT:
        if len(text) > 100:
            raise ValueError("a number of more than 100 characters")
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    number = text.lower()
    return float(number.replace(".inf", "inf").replace(".nan", "nan"))
