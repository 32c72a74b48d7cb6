"""How a long piece of work tells that it moves: a plain callable, so that the library never prints."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


def named(progress: Progress, name: str) -> Progress:
    """Progress whose messages begin with what is worked on."""
    return lambda message, done, total: progress(f"{name}, {message}", done, total)


def silent(message: str, done: int, total: int) -> None:
    """The progress of callers that do not want any."""
