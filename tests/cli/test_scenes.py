"""`watermap scenes`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.folders import listing
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.cli.main import run


def test_a_users_own_label_is_brought_in_with_its_own_codes(tmp_path: Path) -> None:
    grid = make_grid(64, 64)
    codes = np.random.default_rng(0).integers(-1, 2, (1, 64, 64)).astype(np.int16)
    write_tif(tmp_path / "x.tif", np.full((6, 64, 64), 900, np.uint16), grid, names=STANDARD_BANDS)
    write_tif(tmp_path / "hand.tif", codes, grid)
    arguments = ["--label", "hand.tif", "--codes", "-1=255,0=0,1=1", "--name", "murcia"]
    assert run(["scenes", "add", "x.tif", "--out", "scenes", *arguments]) == 0
    with rasterio.open(tmp_path / "scenes" / "murcia" / "label.tif") as label:
        np.testing.assert_array_equal(label.read(), np.where(codes == -1, 255, codes))
    assert run(["scenes", "add", "x.tif", "--out", "scenes", "--label", "hand.tif", "--name", "other"]) == 3
    assert run(["scenes", "add", "x.tif", "--out", "scenes", *arguments]) == 2  # the name is taken
    assert listing(tmp_path / "scenes") == ["murcia"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--codes", "0=0"], "--codes without --label"),
        (["--kind", "hand"], "--kind without --label"),
        (["--label", "hand.tif", "--codes", "0:0"], "'0:0' is not a map of codes: write value=code pairs"),
        (["--label", "hand.tif", "--codes", "0=0=1"], "'0=0=1' is not a map of codes"),
        (["--label", "hand.tif", "--codes", "1=0,1=1"], "a value comes twice in '1=0,1=1'"),
    ],
)
def test_codes_that_are_none_are_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scenes", "add", "x.tif", "--out", "scenes", *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert listing(tmp_path) == []
