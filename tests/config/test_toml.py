from pathlib import Path

import pytest

from watermap.config import TrainConfig
from watermap.config.toml import has_table
from watermap.errors import UsageError


def test_an_unknown_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "watermap.toml"
    path.write_text("[trian]\nepochs = 3\n")
    with pytest.raises(UsageError) as error:
        TrainConfig.load(path, section="train")
    assert "no such table as [trian]: tables are sample, export" in str(error.value)
    path.write_text("[train]\nepochs = 3\n")
    assert (has_table(path, "train"), has_table(path, "tile")) == (True, False)


def test_a_setting_beside_the_tables_is_told(tmp_path: Path) -> None:
    path = tmp_path / "watermap.toml"
    path.write_text("epochs = 3\n[tile]\npatch_size = 64\n")
    with pytest.raises(UsageError, match="epochs belongs to no table"):
        TrainConfig.load(path, section="train")
