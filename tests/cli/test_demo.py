"""`watermap demo`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folders import listing
from watermap.cli.main import run


@pytest.mark.parametrize(
    ("words", "option"),
    [(["--scenes", "5"], "--scenes"), (["--size", "128"], "--size"), (["--epochs", "0"], "--epochs")],
)
def test_less_than_can_be_split_and_trained_is_refused(
    words: list[str], option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", *words]) == 2
    shown = capsys.readouterr().err
    assert f"'{option}'" in shown
    assert shown.count("\n") == 1
    assert listing(tmp_path) == []
