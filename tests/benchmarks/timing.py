"""Contestants in turn, so that a machine that slows down for a while slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def timed(action: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def interleaved(contestants: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each contestant's repeats.

    Args:
        contestants: do their work once, and say how many seconds it took.
        repeats: turns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, once in contestants.items():
            seconds[name].append(once())
    return seconds
