"""Settings of the label lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watermap.config import ConsensusConfig, RefineConfig, TrainConfig
from watermap.errors import UsageError


def test_refining_labels_has_a_table_in_a_file_of_all_stages(tmp_path: Path) -> None:
    path = tmp_path / "watermap.toml"
    path.write_text("[labels]\nshore_m = 30\n[train]\nepochs = 3\n")
    assert RefineConfig.load(path, section="labels").shore_m == 30
    assert TrainConfig.load(path, section="train").epochs == 3


def test_agreement_of_nobody_and_shores_of_no_width_are_refused() -> None:
    assert ConsensusConfig.load().agree is None
    wrong: list[dict[str, Any]] = [{"agree": 0}, {"ignore_shore_px": 65}]
    for stated in wrong:
        with pytest.raises(UsageError):
            ConsensusConfig.load(None, **stated)
    bounds: dict[str, Any] = {"shore_m": 0, "offset": 1000, "scale": 0, "index": "nbr"}
    for name, value in bounds.items():
        with pytest.raises(UsageError, match=f"^{name}: "):
            RefineConfig.load(None, **{name: value})
