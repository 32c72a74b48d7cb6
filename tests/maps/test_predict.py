from pathlib import Path

import numpy as np
import pytest
import rasterio
from matplotlib.figure import Figure

import watermap
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import make_grid, write_tif
from watermap.cli.main import run
from watermap.errors import DataError, UsageError
from watermap.geo.pixel_area import code_areas_m2
from watermap.io.raster import open_raster
from watermap.maps.predict import predict


def test_a_scene_gives_what_the_command_line_gives(workspace: Path) -> None:
    maps = predict("scene.tif", "model", out="here", probability=True)
    assert run(["predict", "scene.tif", "--bundle", "model", "--out", "there", "--probability"]) == 0
    assert listing(workspace / "here") == listing(workspace / "there")
    for name in ("scene_water.tif", "scene_probability.tif"):
        assert (workspace / "here" / name).read_bytes() == (workspace / "there" / name).read_bytes()
    assert maps.files == {
        "water": Path("here/scene_water.tif"),
        "probability": Path("here/scene_probability.tif"),
        "quicklook": Path("here/scene_quicklook.png"),
    }
    assert (maps.water, maps.probability) == (maps.files["water"], maps.files["probability"])
    assert maps.bundle == watermap.open_bundle("model").id
    assert maps.notes == ()


def test_areas_are_of_the_ground_in_km2(workspace: Path) -> None:
    values = rasterio.open("scene.tif").read()
    values[:, :10] = 65535
    write_tif(
        Path("holes.tif"),
        values,
        make_grid(160, 120),
        names=watermap.open_bundle("model").contract.bands,
        no_data=65535,
    )
    maps = predict("holes.tif", "model", quicklook=False, style=False, stac=False)
    assert listing(workspace / "data" / "predictions") == ["holes_water.tif"]  # as on the command line
    with open_raster(maps.water) as raster:
        window = rasterio.windows.Window(0, 0, 160, 120)
        expected = code_areas_m2(raster.read().values[0], raster.grid, window) / 1e6
    assert maps.areas_km2 == {
        "water": pytest.approx(expected[1]),
        "land": pytest.approx(expected[0]),
        "no_data": pytest.approx(expected[255]),
    }
    assert maps.areas_km2["no_data"] == pytest.approx(10 * 160 * 1e-4, rel=2e-3)


def test_the_figure_shows_scene_and_area(workspace: Path) -> None:
    maps = predict("scene.tif", "model", out="maps")
    figure = maps.plot()
    assert isinstance(figure, Figure)
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert texts
    assert texts[0].startswith("water 0.96")
    figure.savefig("plot.png")
    assert Path("plot.png").stat().st_size > 10_000


def test_bands_that_the_user_names_count_for_the_picture_too(workspace: Path) -> None:
    with rasterio.open("scene.tif") as file:
        write_tif(Path("nameless.tif"), file.read(), make_grid(160, 120), no_data=65535)
    with pytest.raises(DataError, match="have no names"):
        predict("nameless.tif", "model", out="maps")
    assert not Path("maps").exists()
    maps = predict("nameless.tif", "model", out="maps", bands=["blue", "green", "red", "nir", "swir16", "swir22"])
    assert maps.areas_km2["water"] == pytest.approx(0.96, rel=1e-3)
    assert isinstance(maps.plot(), Figure)


def test_several_bundles_give_their_mean(workspace: Path) -> None:
    maps = predict("scene.tif", ["model", "data/demo/model"], out="maps", uncertainty=True, polygons=True)
    assert maps.bundle.count("+") == 1
    assert {"water", "uncertainty", "bodies", "quicklook"} == set(maps.files)
    assert all(path.is_file() for path in maps.files.values())


def test_clouds_are_no_data(workspace: Path) -> None:
    clouds = np.zeros((1, 120, 160), np.uint8)
    clouds[:, :20] = 1
    write_tif(Path("clouds.tif"), clouds, make_grid(160, 120))
    maps = predict("scene.tif", "model", out="maps", clouds="clouds.tif")
    with rasterio.open(maps.water) as water:
        assert (water.read(1)[:20] == 255).all()
    assert "reason" in maps.files


def test_a_folder_of_several_scenes_is_refused(workspace: Path) -> None:
    with pytest.raises(UsageError, match="scenes: holds 6 scenes") as error:
        predict("scenes", "model", out="maps")
    assert "place_0" in one_line(error)
    with pytest.raises(UsageError, match="no such setting"):
        predict("scene.tif", "model", probabilities=True)
    assert not Path("maps").exists()
