"""Settings of a sample that tells how good a map is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watermap.config.area import WATER_THOUGHT, DesignConfig
from watermap.errors import UsageError


def test_a_size_or_an_error_is_needed_and_not_both() -> None:
    assert DesignConfig.load(n=300).n == 300
    assert DesignConfig.load(error=10).n is None
    with pytest.raises(UsageError, match="--n or --error is needed"):
        DesignConfig.load()
    with pytest.raises(UsageError, match="n and error are two ways"):
        DesignConfig.load(n=300, error=10)


def test_a_stated_error_rules_out_the_size_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text("[sample-design]\nn = 300\nseed = 4\n")
    found = DesignConfig.load(path, section="sample-design", error=10)
    assert (found.n, found.error, found.seed) == (None, 10, 4)
    assert DesignConfig.load(path, section="sample-design").n == 300


@pytest.mark.parametrize("shares", ["0.9, 0.2,0.01", (0.9, 0.2, 0.01), [0.9, "0.2", 0.01]])
def test_shares_are_read_as_text_and_as_a_list(shares: Any) -> None:
    assert DesignConfig.load(n=300, water_shares=shares).water_shares == (0.9, 0.2, 0.01)
    assert DesignConfig.load(n=300).water_shares == WATER_THOUGHT


@pytest.mark.parametrize("shares", ["0.9,0.2", "0.9,0.2,0.1,0.1", "0.9,0.2,x", "0.9,0.2,0", "1,0.2,0.1"])
def test_shares_that_are_none_are_one_line(shares: str) -> None:
    with pytest.raises(UsageError, match="water_shares") as error:
        DesignConfig.load(n=300, water_shares=shares)
    assert "\n" not in str(error.value)
