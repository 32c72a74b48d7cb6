"""`watermap sample`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from watermap.cli import main


def test_settings_come_from_the_file_and_flags_win(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.toml").write_text("[sample]\nscenes = 3\nsize = 128\n")
    assert main.run(["sample", "--out", "s", "--config", "w.toml", "--scenes", "1"]) == 0
    assert "1 scenes in s" in capsys.readouterr().out
    (tmp_path / "w.toml").write_text("[sample]\nscene = 3\n")
    assert main.run(["sample", "--out", "s", "--config", "w.toml"]) == 2
    assert "scene" in capsys.readouterr().err
