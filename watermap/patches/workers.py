"""The same work for many inputs, one after the other or several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Final, TypeVar

_Input = TypeVar("_Input")
_Result = TypeVar("_Result")

_PREFETCH: Final = 64
"""Inputs handed out and not yet taken back: enough for a cluster's workers, few enough for memory."""


def in_order(
    action: Callable[[_Input], _Result],
    inputs: Iterable[_Input],
    workers: Executor | None = None,
    *,
    prefetch: int = _PREFETCH,
) -> Iterator[_Result]:
    """The results of an action, in the order of its inputs.

    Args:
        action: for pools of processes, a function of a module, or a `partial` of one.
        inputs: one for each call.
        workers: threads, processes or a cluster; None: here, one after the other.
        prefetch: how many inputs are handed to the pool before the first result is taken.
    """
    if workers is None:
        yield from map(action, inputs)
        return
    waiting: deque[Future[_Result]] = deque()
    try:
        for each in inputs:
            waiting.append(workers.submit(action, each))
            if len(waiting) >= prefetch:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
