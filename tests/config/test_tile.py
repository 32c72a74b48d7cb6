"""Settings of cutting scenes into patches."""

from __future__ import annotations

from typing import Any

import pytest

from watermap.config import STRIDE, TileConfig
from watermap.errors import UsageError


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"patch_size": STRIDE * 4 + 1}, "patch_size: .* multiple of 16"),
        ({"min_valid": 0}, "min_valid"),
        ({"density": 0}, "density"),
        ({"bands": ("B3", "B8"), "optional_bands": ("B11",)}, "optional_bands B11 are not among bands B3, B8"),
        ({"min_water": 0.5, "max_water": 0.4}, "min_water 0.5 is above max_water 0.4"),
        ({"validation": 0.6, "test": 0.4}, "nothing to train on"),
        ({"split_by": "date"}, "split_by"),
    ],
)
def test_patches_that_cannot_be_are_one_line(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        TileConfig.load(**stated)
    assert "\n" not in str(error.value)


def test_a_split_may_be_left_out() -> None:
    assert TileConfig.load(validation=0, test=0).test == 0
    assert TileConfig.load(min_water=0.4, max_water=0.4).min_water == 0.4
