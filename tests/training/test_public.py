from pathlib import Path

import pytest

from watermap.errors import DataError, UsageError
from watermap.training.public import train


def test_settings_and_patches_are_checked_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="epoch: no such setting"):
        train("patches", "out", epoch=1)
    with pytest.raises(DataError, match="patches: not a patch store"):
        train("patches", "out", epochs=1, encoder="compact")
    with pytest.raises(UsageError, match="outputs go to local folders"):
        train("patches", "s3://bucket/out")
    assert not (tmp_path / "out").exists()
