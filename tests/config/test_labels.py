"""Settings of the label lab."""

from __future__ import annotations

from pathlib import Path

from watermap.config import RefineConfig, TrainConfig


def test_refining_labels_has_a_table_in_a_file_of_all_stages(tmp_path: Path) -> None:
    path = tmp_path / "watermap.toml"
    path.write_text("[labels]\nshore_m = 30\n[train]\nepochs = 3\n")
    assert RefineConfig.load(path, section="labels").shore_m == 30
    assert TrainConfig.load(path, section="train").epochs == 3
