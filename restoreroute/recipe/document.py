"""A recipe as plain data that knows where each of its keys and values was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from restoreroute.errors import Problem, RecipeError
from restoreroute.recipe.places import Path, Place, Places
from restoreroute.recipe.plain import plain
from restoreroute.recipe.yaml_core import NULL, SCALARS, TAG, CoreLoader, scalar_value
from restoreroute.recipe.yaml_words import in_plain_words

MAX_DEPTH = 50
MAX_NODES = 100_000
"""Aliases make a short text stand for very much data; recipes are small."""


@dataclass(frozen=True)
class Document:
    """What a recipe says, before anything is looked up.

    Attributes:
        data: mappings, lists and scalars.
        places: where they were written.
        problems: what is wrong with the text itself, such as a key given twice.
    """

    data: dict[str, Any]
    places: Places
    problems: tuple[Problem, ...] = ()


def parse_document(text: str, source: str) -> Document:
    """Read YAML text.

    Args:
        text: the recipe.
        source: what messages call it, e.g. the path of its file.

    Raises:
        RecipeError: if the text is no YAML, or no mapping.
    """
    start = Place(source)
    node = compose(text, start)
    if node is None or node.tag == NULL:
        raise RecipeError([start.problem("is empty; a recipe needs task, backbone and data")])
    reading = Reading(start)
    if not isinstance(node, yaml.MappingNode):
        raise RecipeError([reading.place(node).problem("a recipe is a mapping of keys to values, not " + _kind(node))])
    data = reading.read(node)
    return Document(data, Places(start, reading.values, reading.keys), tuple(reading.problems))


def document_from(data: Mapping[str, Any], source: str = "recipe") -> Document:
    """A document made of data from Python, such as :attr:`restoreroute.spec.plan.RunPlan.recipe`.

    Raises:
        RecipeError: if the data is not plain: mappings with text keys, lists, text, numbers, booleans, None.
    """
    problems: list[Problem] = []
    start = Place(source)
    copied = plain(data, lambda message, path: problems.append(start.problem(message, path)))
    if problems:
        raise RecipeError(problems)
    return Document(copied, Places(start))


def compose(text: str, start: Place) -> yaml.Node | None:
    """The tree of nodes of a YAML text, or None if it holds nothing.

    Raises:
        RecipeError: if it is no YAML.
    """
    try:
        return yaml.compose(text, Loader=CoreLoader)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        column = error.position - before.rfind("\n")
        what = f"the character U+{ord(text[error.position]):04X} can't be part of YAML"
        raise RecipeError([Place(start.source, line, column).problem(what)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(start.source, mark.line + 1, mark.column + 1) if mark else start
        raise RecipeError([place.problem(in_plain_words(error, text))]) from None
    except RecursionError:
        raise RecipeError([start.problem("is nested too deeply")]) from None


def _kind(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else f"the text {node.value!r}"


class Reading:
    """Turns nodes into plain data; notes places and problems on the way.

    Attributes:
        values: where values begin, by path.
        keys: where keys begin, by path.
        problems: keys given twice, custom tags and the like.
    """

    def __init__(self, start: Place) -> None:
        self.start = start
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self._open: list[yaml.Node] = []
        self._count = 0

    def place(self, node: yaml.Node) -> Place:
        return Place(self.start.source, node.start_mark.line + 1, node.start_mark.column + 1)

    def read(self, node: yaml.Node) -> Any:
        """The plain data of a node and all below it."""
        return self._read(node, ())

    def _read(self, node: yaml.Node, path: Path) -> Any:
        self._count += 1
        if self._count > MAX_NODES:
            raise RecipeError([self.start.problem(f"has more than {MAX_NODES} values; too many for a recipe")])
        if len(path) > MAX_DEPTH:
            raise RecipeError([self.start.problem("is nested too deeply")])
        self.values[path] = self.place(node)
        if node in self._open:
            self._refuse(node, path, "contains itself")
            return None
        if not node.tag.startswith(TAG):
            self._refuse(node, path, f"the tag {node.tag!r} has no meaning here")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
                return self._read_mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
                return [self._read(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._read_scalar(node, path)
        finally:
            self._open.pop()

    def _read_scalar(self, node: yaml.Node, path: Path) -> object:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in SCALARS:
            self._refuse(node, path, f"the tag '!!{node.tag.removeprefix(TAG)}' has no meaning here")
            return None
        try:
            return scalar_value(node.tag, node.value)
        except ValueError as error:
            self._refuse(node, path, str(error))
            return None

    def _read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._read_key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in data:
                first, second = self.keys[here], self.place(key_node)
                earlier = "" if first.line is None else f"; first on line {first.line}, column {first.column}"
                self.problems.append(second.problem(f"the key is given twice{earlier}", here))
                continue
            self.keys[here] = self.place(key_node)
            data[key] = self._read(value_node, here)
        return data

    def _read_key(self, node: yaml.Node, path: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(node, path, "a key has to be text")
            return None
        if node.value == "<<" and node.style is None:
            self._refuse(node, (*path, "<<"), "merge keys are not part of YAML 1.2; write the keys out")
            return None
        key = self._read_scalar(node, path)
        if not isinstance(key, str):
            self._refuse(node, (*path, node.value), "a key has to be text; in quotes it is")
            return None
        return key

    def _refuse(self, node: yaml.Node, path: Path, message: str) -> None:
        self.problems.append(self.place(node).problem(message, path))
