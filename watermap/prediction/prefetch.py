"""Work done ahead of its use, in a thread of its own: reading, computing and writing at the same time."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Generator
from typing import Final, TypeVar

_Item = TypeVar("_Item")

_END: Final = object()


def prefetch(items: Generator[_Item, None, None], *, depth: int = 1) -> Generator[_Item, None, None]:
    """The items of a generator that runs in a thread, at most `depth` of them made before they are asked for.

    An error in the thread is raised here. Leaving early, by an error or by closing this iterator, closes the
    generator in its thread and waits for that.

    Args:
        items: starts to run when the first item is asked for.
        depth: items that wait at most; one more is being made meanwhile.
    """
    made: queue.Queue[object] = queue.Queue(depth)
    left = threading.Event()
    failures: list[BaseException] = []

    def put(item: object) -> None:
        while not left.is_set():
            try:
                made.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def run() -> None:
        try:
            for item in items:
                put(item)
                if left.is_set():
                    break
        except BaseException as error:  # whoever asks for the next item gets it
            failures.append(error)
        finally:
            try:
                items.close()
            finally:
                put(_END)

    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(run), name="watermap-ahead", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not _END:
            yield item  # type: ignore[misc]  # everything but the end is an item
        if failures:
            raise failures[0]
    finally:
        left.set()
        thread.join()
