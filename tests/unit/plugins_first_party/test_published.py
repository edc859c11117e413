"""Names of published checkpoints in both directions, and what shapes tell."""

from __future__ import annotations

import pytest
import torch

from restoreroute.spec.backbone import BackboneFamily
from restoreroute_backbones import published
from restoreroute_backbones.carn import CARN
from restoreroute_backbones.compact import COMPACT
from restoreroute_backbones.fsrcnn import FSRCNN
from restoreroute_backbones.rcan import RCAN
from restoreroute_backbones.srresnet import SRRESNET

NAMES = published.LayerNames({"body.*.conv": "block_*", "group.*.tail.*": "tail_*", "head": "first", "entry": "first"})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("body.12.conv.weight", "block_12.weight"),
        ("group.3.tail.9.bias", "tail_3.bias"),
        ("head.bias", "first.bias"),
        ("entry.bias", "first.bias"),
    ],
)
def test_rename(theirs: str, ours: str) -> None:
    assert NAMES.rename(theirs) == ours


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("block_12.weight", "body.12.conv.weight"), ("tail_3.bias", "group.3.tail.*.bias"), ("first.bias", "head.bias")],
)
def test_original(ours: str, theirs: str) -> None:
    assert NAMES.original(ours) == theirs


@pytest.mark.parametrize(
    "name",
    ["", "weight", "body.x.conv.weight", "body.1.conv", "body.*.conv.weight", f"body.{'1' * 5000}.conv.weight"],
    ids=range(6),
)
def test_a_name_that_is_not_there(name: str) -> None:
    with pytest.raises(KeyError):
        NAMES.rename(name)


def test_known() -> None:
    assert NAMES.known({"head.bias": (3,), "tail.bias": (4,)}) == {"first.bias": (3,)}


def test_size() -> None:
    shapes = {"a": (4, 0), "b": (5, 6, 7), "c": ()}
    assert published.size(shapes, 0, "none", "a", "b") == 4
    assert published.size(shapes, 1, "a", "b") == 6
    assert published.size(shapes, 0, "c") is None


@pytest.mark.parametrize(("numbers", "expected"), [([], 1), ([0], 1), ([0, 1, 2], 3), ([0, 2, 3], 4), ([0, 10**8], 2)])
def test_count(numbers: list[int], expected: int) -> None:
    shapes = {f"group_0.block_{number}.{kind}": (1,) for number in numbers for kind in ("weight", "bias")}
    assert published.count(shapes, "group_*.block_*") == expected


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ({"up_0.weight": (32,)}, 2),
        ({"up_0.weight": (72,)}, 3),
        ({"up_0.weight": (32,), "up_1.weight": (32,)}, 4),
        ({"up_1.weight": (32,)}, 4),
        ({"up_0.weight": (3,)}, None),
        ({}, None),
    ],
)
def test_scale(shapes: dict[str, tuple[int, ...]], expected: int | None) -> None:
    assert published.scale(shapes, 8) == expected


@pytest.mark.parametrize("family", [CARN, COMPACT, FSRCNN, RCAN, SRRESNET], ids=lambda family: family.name)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_tensor_of_a_family_has_a_name(family: BackboneFamily, scale: int) -> None:
    layout = family.official
    assert layout is not None
    with torch.random.fork_rng():
        network = family.build(family.options(), width=16, scale=scale, channels=3)
    mine = list(network.state_dict())
    theirs = [layout.original(name) for name in mine]
    assert [layout.rename(name.replace("*", "1")) for name in theirs] == mine
    assert layout.constants <= set(mine)
