"""Batches made ahead in a thread."""

from __future__ import annotations

import threading
import time
from itertools import islice

import pytest

from restoreroute.data.prefetch import prefetch


@pytest.mark.parametrize("ahead", [0, 1, 2, 10])
def test_everything_comes_in_order(ahead: int) -> None:
    assert list(prefetch(lambda number: number * number, 3, 9, ahead=ahead)) == [(n, n * n) for n in range(3, 9)]
    assert list(prefetch(str, 4, 4, ahead=ahead)) == []


def test_it_works_ahead_but_not_too_far() -> None:
    made: list[int] = []
    third = threading.Event()

    def fetch(number: int) -> int:
        made.append(number)
        if number == 2:
            third.set()
        return number

    waiting = prefetch(fetch, 0, 100, ahead=2)
    assert next(waiting) == (0, 0)
    assert third.wait(timeout=30)  # made while the caller still uses the first
    time.sleep(0.05)
    assert made == [0, 1, 2]
    waiting.close()


def test_an_error_comes_where_its_iteration_would_have() -> None:
    def fetch(number: int) -> int:
        if number == 2:
            raise RuntimeError("can't read 2")
        return number

    waiting = prefetch(fetch, 0, 10)
    assert list(islice(waiting, 2)) == [(0, 0), (1, 1)]
    with pytest.raises(RuntimeError, match="can't read 2"):
        next(waiting)
    assert list(waiting) == []


def test_stopping_early_leaves_no_thread_and_cancels_the_rest() -> None:
    before = threading.active_count()
    made: list[int] = []

    def fetch(number: int) -> int:
        made.append(number)
        return number

    for number, _ in prefetch(fetch, 0, 1000, ahead=3):
        if number == 1:
            break
    while threading.active_count() > before:  # pytest-timeout guards this
        time.sleep(0.001)
    assert len(made) < 10


def test_nothing_is_made_before_it_is_asked_for() -> None:
    prefetch(lambda number: pytest.fail("was made"), 0, 5).close()
