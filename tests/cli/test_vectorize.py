import shutil
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio.shutil

from tests.support.bodies import drawn
from tests.support.rasters import make_grid, write_tif
from tests.support.web import Web
from watermap.cli.main import run


@pytest.fixture
def water(tmp_path: Path) -> Path:
    return write_tif(tmp_path / "maps" / "lake_water.tif", drawn("##.# ##.. ...#")[None], make_grid(4, 3), no_data=255)


def test_polygons_lie_beside_the_raster(water: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["vectorize", str(water)]) == 0
    shown = capsys.readouterr()
    assert "3 water bodies, 0.000600 km2" in shown.out
    assert str(water.with_name("lake_bodies.gpkg")) in shown.out
    assert pyogrio.read_info(water.with_name("lake_bodies.gpkg"))["features"] == 3
    assert water.with_name("lake_bodies.qml").is_file()


def test_polygons_of_a_remote_raster_lie_here(water: Path, web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(water, web.folder / "far_water.tif")
    assert run(["vectorize", f"{web.url}/far_water.tif"]) == 0
    assert pyogrio.read_info("far_bodies.gpkg")["features"] == 3


def test_options_reach_the_settings(water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    likely = write_tif(tmp_path / "p.tif", np.full((1, 3, 4), 40, dtype=np.uint8), make_grid(4, 3), no_data=255)
    out = tmp_path / "new" / "big.gpkg"
    flags = ["--out", str(out), "--min-area-m2", "200", "--simplify-m", "1", "--smooth", "--probability", str(likely)]
    assert run(["vectorize", str(water), *flags]) == 0
    assert "2 bodies smaller than 200 m2 are left out" in capsys.readouterr().err
    meta, _, blobs, columns = pyogrio.raw.read(out)
    fields = dict(zip(meta["fields"], columns, strict=True))
    assert fields["mean_probability"].tolist() == [0.4]
    assert fields["area_m2"][0] == pytest.approx(400, rel=0.08)
    assert len(blobs[0]) > 100  # more corners than a square has


def test_settings_come_from_a_file_too(water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "watermap.toml").write_text("[vectorize]\nmin_area_m2 = 1000.0\nsmooth = true\n")
    assert run(["vectorize", str(water), "--config", str(tmp_path / "watermap.toml")]) == 0
    assert "0 water bodies, 0 km2" in capsys.readouterr().out


@pytest.mark.parametrize(("no_data", "name"), [(0, "land"), (1, "water")])
def test_a_no_data_value_that_hides_a_class_is_told_as_elsewhere(
    no_data: int, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = drawn("##.# ##.. ...#")[None]
    days = (20230601, 20240601)
    water, other = (
        write_tif(tmp_path / f"lake_{day}_water.tif", codes, make_grid(4, 3), no_data=no_data) for day in days
    )
    said = f"its no-data value is {no_data}, so that its {name} counts as no data; mend it with gdal_edit.py"
    out = str(tmp_path / "out")
    for words in (
        ["vectorize", water],
        ["change", water, other, "--out", out],
        ["mosaic", water, "--out", out + ".tif"],
    ):
        assert run([str(word) for word in words]) == 0
        assert f"{water}: {said}" in capsys.readouterr().err


def test_polygons_do_not_replace_the_raster(water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raster = tmp_path / "lake.gpkg"
    rasterio.shutil.copy(water, raster, driver="GPKG")
    before = raster.read_bytes()
    assert run(["vectorize", str(raster), "--out", str(raster)]) == 2
    assert "lake.gpkg: is one of the files that are read" in capsys.readouterr().err
    assert raster.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["absent.tif"], 3, "absent.tif: no such file"),
        (["."], 3, ".: is a folder, and no scene: give one of its rasters"),
        (["WATER", "--simplify-m", "-1"], 2, "simplify_m"),
        (["WATER", "--out", "lake.geojson"], 2, "give a name that ends in .gpkg"),
        (["WATER", "--out", "s3://bucket/lake.gpkg"], 2, "outputs go to local folders"),
    ],
)
def test_mistakes_are_one_line(
    water: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["vectorize", *(str(water) if word == "WATER" else word for word in words)]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
