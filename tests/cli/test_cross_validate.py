"""`watermap cross-validate`, as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watermap.cli.main import run
from watermap.training.cross_validation import ALL_BANDS, SceneScores


def test_scores_are_shown_beside_the_rules_with_what_is_hard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def validated(scenes: Path, out: Path, recipe: Any, *, folds: Any, progress: Any) -> list[SceneScores]:
        asked.append((scenes, out, sorted(recipe.tests), folds, callable(progress)))
        return [SceneScores("rockies_a", 1, 0.0, {ALL_BANDS: None}, {ALL_BANDS: 0.001}, {"ndwi 0": None}, "b" * 12)]

    monkeypatch.setattr("watermap.training.cross_validation.cross_validate", validated)
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "scenes").mkdir()
    assert run(["cross-validate", "scenes", "--out", "folds", "--fold", "1", "--fold", "3"]) == 0
    assert asked == [(Path("scenes"), Path("folds"), ["spain_flood"], (1, 3), True)]
    shown = capsys.readouterr().out
    assert "rockies_a" in shown
    assert "terrain shadow, snow" in shown
    assert "folds.json" in shown
