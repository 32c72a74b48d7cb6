"""`watermap compare`, as it is typed; what it trains is tested beside the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watermap.cli.main import run
from watermap.training.compare import Contender


def test_every_combination_is_asked_for_with_the_settings_stated(
    small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[Contender], int, int]] = []

    def stop(_store: Any, _out: Path, models: list[Contender], config: Any, *, seeds: int, **_: Any) -> None:
        asked.append((models, config.epochs, seeds))
        raise KeyboardInterrupt

    monkeypatch.setattr("watermap.training.compare.compare", stop)
    Path("w.toml").write_text('[train]\nencoder = "compact"\nepochs = 9\n', encoding="utf-8")
    words = ["compare", str(small_patches), "--out", str(tmp_path / "out"), "--config", "w.toml"]
    assert run([*words, "--arch", "unet", "--arch", "fcn", "--preset", "fast", "--seeds", "2"]) == 130
    assert asked == [([Contender("unet", "compact", "fast"), Contender("fcn", "compact", "fast")], 9, 2)]
