"""Make the next batches while the current one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")


def prefetch(fetch: Callable[[int], ItemT], start: int, stop: int, *, ahead: int = 2) -> Iterator[tuple[int, ItemT]]:
    """Yield (iteration, fetch(iteration)) in order, with up to ``ahead`` of them being made in a thread.

    An error of ``fetch`` is raised where its iteration would have come.

    Args:
        fetch: makes the item of an iteration.
        start: the first iteration.
        stop: the one after the last.
        ahead: 0 makes each item when it is asked for, in the caller's thread.
    """
    if not ahead:
        yield from ((iteration, fetch(iteration)) for iteration in range(start, stop))
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch") as pool:
        waiting: deque[tuple[int, Future[ItemT]]] = deque()
        try:
            for iteration in range(start, stop):
                waiting.append((iteration, pool.submit(fetch, iteration)))
                if len(waiting) > ahead:
                    number, future = waiting.popleft()
                    yield number, future.result()
            while waiting:
                number, future = waiting.popleft()
                yield number, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
