"""Names of layers in published checkpoints, and what their tensors tell about the network."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from restoreroute.spec.backbone import Shape

STAR = re.compile(r"\\\*")


class LayerNames:
    """A table of layer names, theirs to ours, in both directions.

    ``*`` stands for a number.  The numbers of one name fill those of the other in their order; numbers too many are
    dropped, and too few leave a ``*``.  Several of theirs may be one of ours: the first of them is the original.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._forth = [(_pattern(theirs), ours) for theirs, ours in table.items()]
        self._back = [(_pattern(ours), theirs) for theirs, ours in table.items()]

    def rename(self, name: str) -> str:
        """Our name of one of their parameters.

        Raises:
            KeyError: if the layer is not in the table.
        """
        return _translate(name, self._forth)

    def original(self, name: str) -> str:
        """Their name of one of our parameters.  Raises as :meth:`rename` does."""
        return _translate(name, self._back)

    def known(self, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
        """The shapes by our names; what is not in the table is left out."""
        return known(shapes, self.rename)


def known(shapes: Mapping[str, Shape], rename: Callable[[str], str]) -> dict[str, Shape]:
    """The shapes by our names; those that ``rename`` raises a KeyError for are left out."""
    found = {}
    for name, shape in shapes.items():
        try:
            found[rename(name)] = shape
        except KeyError:
            continue
    return found


def _pattern(layer: str) -> re.Pattern[str]:
    return re.compile(STAR.sub("([0-9]{1,9})", re.escape(layer)))


def _translate(name: str, rows: list[tuple[re.Pattern[str], str]]) -> str:
    layer, _, parameter = name.rpartition(".")
    for pattern, other in rows:
        if match := pattern.fullmatch(layer):
            for number in match.groups():
                other = other.replace("*", number, 1)
            return f"{other}.{parameter}"
    raise KeyError(layer)


def size(shapes: Mapping[str, Shape], dimension: int, *names: str) -> int | None:
    """A size of the first of the tensors that is there, or None."""
    for name in names:
        shape = shapes.get(name, ())
        if len(shape) > dimension and shape[dimension]:
            return shape[dimension]
    return None


def count(shapes: Mapping[str, Shape], layer: str) -> int:
    """How many layers there are whose name matches: 1 + the highest number at the last ``*``, and at least 1.

    A number beyond all tensors is a mistake; then those that differ are counted.
    """
    pattern = _pattern(layer)
    matches = (pattern.fullmatch(name.rpartition(".")[0]) for name in shapes)
    numbers = {int(match.groups()[-1]) for match in matches if match} or {0}
    return max(numbers) + 1 if max(numbers) < len(shapes) else len(numbers)


def scale(shapes: Mapping[str, Shape], width: int, *, inside: str = "") -> int | None:
    """The scale that pixel shuffles lead to: two steps are 4, one step is told by its channels; None without any.

    Args:
        inside: prefix of the layers ``up_0`` and ``up_1``.
    """
    if f"{inside}up_1.weight" in shapes:
        return 4
    channels = size(shapes, 0, f"{inside}up_0.weight")
    return None if channels is None else math.isqrt(channels // width) or None
