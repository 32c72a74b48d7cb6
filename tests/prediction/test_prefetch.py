"""Work that is done ahead of its use."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing

import pytest

from watermap.prediction.prefetch import prefetch


def numbers(count: int, closed: list[str] | None = None, error: Exception | None = None) -> Generator[int, None, None]:
    try:
        yield from range(count)
        if error is not None:
            raise error
    finally:
        if closed is not None:
            closed.append(threading.current_thread().name)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_nothing_is_lost_or_out_of_order(count: int, depth: int) -> None:
    assert list(prefetch(numbers(count), depth=depth)) == list(range(count))


def test_an_error_comes_after_what_was_made_before_it() -> None:
    found = []
    with pytest.raises(OSError, match="torn"):
        for number in prefetch(numbers(3, error=OSError("torn"))):
            found.append(number)
    assert found == [0, 1, 2]


def test_leaving_early_closes_the_work_in_its_own_thread() -> None:
    closed: list[str] = []
    before = threading.active_count()
    with closing(prefetch(prefetch(numbers(10**9, closed)))) as items:
        assert next(items) == 0
    assert closed == ["watermap-ahead"]
    assert threading.active_count() == before


def test_work_goes_on_while_the_last_item_is_used() -> None:
    begun = threading.Event()

    def items() -> Generator[int, None, None]:
        yield 0
        begun.set()
        yield 1

    with closing(prefetch(items())) as made:
        assert next(made) == 0
        assert begun.wait(10)
