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
    """
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
