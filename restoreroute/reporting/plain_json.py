"""JSON of figures that may be infinite."""

from __future__ import annotations

import json
import math
import sys
from typing import Any


def to_json(content: Any) -> bytes:
    """JSON has no infinity: the PSNR of equal images is written as the largest float."""
    return json.dumps(_finite(content), indent=1).encode()


def from_json(text: str) -> Any:
    """What :func:`to_json` wrote.

    Raises:
        ValueError: for what is no JSON.
    """
    return json.loads(text, parse_float=_infinite)


def _infinite(text: str) -> float:
    value = float(text)
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(sys.float_info.max, value)
    return value
