"""Warnings that are ignored while several threads work.

`warnings.catch_warnings` puts back what it found when it is left, so that a thread that leaves it takes away what
another, which entered later, still relies on.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


class Ignored:
    """A kind of warning that is ignored for as long as any thread asks for it.

    Args:
        kind: of warning.
    """

    def __init__(self, kind: type[Warning]) -> None:
        self._kind = kind
        self._asking = 0
        self._changing = threading.Lock()
        self._filter = ExitStack()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Ignore it meanwhile."""
        with self._changing:
            self._asking += 1
            if self._asking == 1:
                self._filter.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore", self._kind)
        try:
            yield
        finally:
            with self._changing:
                self._asking -= 1
                if not self._asking:
                    self._filter.close()
