"""The same work for many inputs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from watermap.patches.workers import in_order


def test_results_come_in_the_order_of_their_inputs() -> None:
    def late_first(number: int) -> int:
        time.sleep(0.02 * (3 - number % 4))
        return number * number

    with ThreadPoolExecutor(4) as workers:
        assert list(in_order(late_first, range(9), workers)) == [number * number for number in range(9)]
    assert list(in_order(late_first, range(2))) == [0, 1]


def test_no_more_is_handed_out_than_asked_for() -> None:
    begun: list[int] = []
    with ThreadPoolExecutor(8) as workers:
        results = in_order(begun.append, range(100), workers, prefetch=5)
        next(results)
        assert len(begun) <= 5


def test_an_error_ends_the_work() -> None:
    going = threading.Event()

    def fail(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        going.wait(0.01)
        return number

    with ThreadPoolExecutor(1) as workers, pytest.raises(ValueError, match="one"):
        list(in_order(fail, range(1000), workers))
