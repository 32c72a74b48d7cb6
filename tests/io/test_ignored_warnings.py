"""Warnings ignored by several threads at once."""

from __future__ import annotations

import threading
import warnings

import pytest

from watermap.io.ignored_warnings import Ignored


def test_a_thread_that_ends_takes_nothing_away_from_another() -> None:
    ignored, entered, left = Ignored(UserWarning), threading.Event(), threading.Event()

    def first() -> None:
        with ignored():
            entered.set()
            assert second_entered.wait(10)
        left.set()

    second_entered = threading.Event()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thread = threading.Thread(target=first)
        thread.start()
        assert entered.wait(10)
        with ignored():
            second_entered.set()
            assert left.wait(10)
            warnings.warn("of the kind", UserWarning, stacklevel=1)
            with pytest.raises(RuntimeWarning):
                warnings.warn("of another", RuntimeWarning, stacklevel=1)
        with pytest.raises(UserWarning):
            warnings.warn("once all have left", UserWarning, stacklevel=1)
        thread.join()
