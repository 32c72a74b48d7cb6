"""`watermap tile`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from watermap.cli.main import run


def test_tile_tells_which_scenes_failed(small_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for scene in small_scenes.iterdir():
        (tmp_path / "scenes").mkdir(exist_ok=True)
        (tmp_path / "scenes" / scene.name).symlink_to(scene)
    (tmp_path / "scenes" / "bad").mkdir()
    (tmp_path / "scenes" / "bad" / "image.tif").write_text("no raster")
    (tmp_path / "scenes" / "bad" / "label.tif").write_text("no raster")
    assert run(["tile", "scenes", "--out", "patches", "--patch-size", "32"]) == 6
    shown = capsys.readouterr()
    assert "bad" in shown.err
    assert "watermap: 1 of 7 scenes" in shown.err.splitlines()[-1]
    assert (tmp_path / "patches" / "patches.json").is_file()
    assert run(["tile", "scenes", "--out", "all", "--patch-size", "32", "--split-by", "scene"]) == 6
