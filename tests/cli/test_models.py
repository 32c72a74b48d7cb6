"""`watermap models`, as it is typed."""

from __future__ import annotations

import pytest

from watermap.cli.main import run


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--arch", "deeplabv3", "--encoder", "compact"]) == 0
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("deeplabv3", "1,056,066", "whole window", "reference", "fast"))
    assert run(["models", "--arch", "segnet", "--encoder", "resnet50"]) == 2
