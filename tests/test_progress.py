"""How long work tells that it moves."""

from __future__ import annotations

import pytest

from watermap.progress import named, silent


def test_messages_begin_with_what_is_worked_on() -> None:
    told: list[tuple[str, int, int]] = []
    progress = named(named(lambda *step: told.append(step), "T33TTN"), "label")
    progress("reading", 2, 5)
    assert told == [("T33TTN, label, reading", 2, 5)]


def test_silence_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    silent("reading", 1, 2)
    assert capsys.readouterr() == ("", "")
