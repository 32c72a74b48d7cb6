"""Settings of index maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from watermap.config import IndexConfig, IndexName
from watermap.errors import UsageError
from watermap.scenes.indices import INDICES


def test_every_index_can_be_chosen_and_no_other() -> None:
    assert get_args(IndexName) == tuple(INDICES)
    with pytest.raises(UsageError, match="index: Input should be 'ndwi', 'mndwi'"):
        IndexConfig.load(index="ndsi")


@pytest.mark.parametrize(
    ("value", "expected"), [("0", 0.0), (0, 0.0), ("-0.25", -0.25), ("otsu", "otsu"), ("edge-otsu", "edge-otsu")]
)
def test_a_threshold_is_a_number_or_a_rule(value: Any, expected: Any) -> None:
    found = IndexConfig.load(threshold=value).threshold
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("value", "told"), [("ots", "did you mean otsu"), ("x", "give 0, otsu"), ("nan", "no number")])
def test_what_is_neither_is_one_line(value: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        IndexConfig.load(threshold=value)
    assert str(error.value).startswith(f"threshold: '{value}' is no number and no rule; ")


def test_a_smallest_body_needs_water(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="min_area_m2 is of water bodies"):
        IndexConfig.load(min_area_m2=100)
    path = tmp_path / "w.toml"
    path.write_text('[index]\nindex = "mndwi"\nthreshold = "otsu"\nmin_area_m2 = 100\n')
    found = IndexConfig.load(path, section="index", threshold="0.1")
    assert (found.index, found.threshold, found.min_area_m2) == ("mndwi", 0.1, 100)
