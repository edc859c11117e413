"""Differences in few words."""

from __future__ import annotations

import pytest
import torch

from restoreroute.routing.misfit import Misfit, compare, grouped


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["a.weight"], ["a.weight"]),
        (["a.weight", "b", "a.bias"], ["2 tensors of a.*", "b"]),
        (["t.3.c.weight", "t.3.c.bias", "t.3.d.weight"], ["3 tensors of t.3.*"]),
        (["t.3.weight", "t.31.weight"], ["2 tensors of t.*"]),
        (["t", "t.a"], ["2 tensors of t.*"]),
    ],
)
def test_grouped(names: list[str], expected: list[str]) -> None:
    assert grouped(names) == expected


def test_what_fits_is_false() -> None:
    assert not Misfit()
    assert Misfit(reason="no")
    assert Misfit(unknown=("a",))


def test_a_few_groups_at_most() -> None:
    misfit = Misfit(
        unknown=("a.x", "a.y", "b"),
        missing=("c", "d"),
        reshaped={"e.w": ((1,), (2,)), "e.b": ((1,), (2,)), "f": ((3,), ())},
    )
    assert misfit.size == 8
    assert str(misfit) == "2 tensors of a.* unknown; b unknown; c missing; d missing; and 2 more"
    assert str(Misfit(reshaped=misfit.reshaped)) == (
        "e.w is (1,), expected (2,), and 1 more of e.* of another shape; f is (3,), expected ()"
    )


def test_compare() -> None:
    known = {"first": torch.zeros(2), "second": torch.zeros(3), "third": torch.zeros(4), "mean": torch.zeros(1)}
    names = {"1": "first", "one": "first", "2": "second", "3": "third", "5": "fifth"}
    back = {"first": "1", "second": "2", "third": "3", "mean": "0"}
    tensors = {name: torch.ones(2) for name in ("1", "one", "3", "4", "5")}

    found, misfit = compare(
        tensors, known, rename=names.__getitem__, original=back.__getitem__, constants=frozenset({"mean"})
    )

    assert found.keys() == {"first", "third"}
    assert found["first"] is tensors["1"]
    assert misfit == Misfit(unknown=("one", "4", "5"), missing=("2",), reshaped={"3": ((2,), (4,))})
