"""Names of earlier releases in files and flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from watermap.config import PredictConfig
from watermap.config.former import renamed
from watermap.errors import UsageError

NAMES = {"symmetries": "tta", "sheets": "sails"}


def test_a_former_name_is_todays_and_todays_stands_where_both_are_there() -> None:
    assert renamed({"symmetries": True, "window": 64}, NAMES) == {"tta": True, "window": 64}
    assert renamed({"symmetries": True, "tta": False}, NAMES) == {"tta": False}
    assert renamed({"tta": False, "symmetries": True}, NAMES) == {"tta": False}


def test_what_holds_no_former_name_is_passed_on() -> None:
    values = {"window": 64}
    assert renamed(values, NAMES) is values
    assert renamed("text", NAMES) == "text"


def test_a_file_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text("[predict]\nsymmetries = true\n")
    assert PredictConfig.load(path, section="predict") == PredictConfig(tta=True)
    assert not PredictConfig.load(path, section="predict", tta=False).tta
    path.write_text("[predict]\nsheets = true\n")
    with pytest.raises(UsageError, match="sheets: no such setting"):
        PredictConfig.load(path, section="predict")
