"""Stripes cover an image once and are read with what is around them."""

from __future__ import annotations

import pytest

from restoreroute.inference.stripes import Stripe, cut_into_stripes


@pytest.mark.parametrize("height", [1, 9, 10, 11, 40, 95])
@pytest.mark.parametrize("context", [0, 3, 50])
def test_stripes_cover_every_row_once(height: int, context: int) -> None:
    stripes = list(cut_into_stripes(height, step=10, context=context))

    assert [row for stripe in stripes for row in range(stripe.top, stripe.bottom)] == list(range(height))
    for stripe in stripes:
        assert (stripe.above, stripe.below) == (min(context, stripe.top), min(context, height - stripe.bottom))
        assert 0 <= stripe.first <= stripe.top < stripe.bottom <= stripe.last <= height


def test_an_example() -> None:
    assert list(cut_into_stripes(25, step=10, context=4)) == [
        Stripe(0, 10, 0, 14),
        Stripe(10, 20, 6, 24),
        Stripe(20, 25, 16, 25),
    ]
