"""`watermap mosaic`, as it is typed."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.cli.main import run

GRID = make_grid(60, 40)


@pytest.mark.parametrize(("value", "middle"), [("newest", 0), ("majority", 1)])
def test_rasters_are_put_together(tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str, middle: int) -> None:
    words = [
        str(write_water(tmp_path / f"lake_{day}_water.tif", np.full((20, 20), code), GRID.crop(Window(col, 0, 1, 1))))
        for day, code, col in ((20230603, 0, 10), (20230601, 1, 0), (20230602, 1, 5))
    ]
    assert run(["mosaic", *words, "--out", str(tmp_path / "m.tif"), "--value", value]) == 0
    with rasterio.open(tmp_path / "m.tif") as dataset:
        codes = dataset.read(1)
    assert codes.shape == (20, 30)
    assert (codes[:, 10:20] == middle).all()
    said = capsys.readouterr().out
    assert said.index("lake_20230603") < said.index("lake_20230602") < said.index("lake_20230601")
    assert all(word in said for word in ("2023-06-03", "20 x 30", "100.0%", "m.tif"))


def test_a_raster_of_an_unknown_day_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_water(tmp_path / "lake_water.tif", np.ones((2, 2)), GRID)
    assert run(["mosaic", str(path), "--out", str(tmp_path / "m.tif")]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
