"""The flow that maps scenes, and what the page of a run says of its maps."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from flows.predict import _water_km2, find_scenes_to_map, predict_flow
from flows.rows import KEPT, MADE
from tests.flows.artifacts import newest_table
from tests.support.bundles import make_bundle
from tests.support.counting import count_digests, count_listings, of_files
from tests.support.folders import listing
from tests.support.rasters import LON_LAT, make_grid, shore_label, write_scene
from tests.support.safes import band_values, code_of, write_band
from tests.support.waters import write_water
from watermap.bands import SENSORS, SENTINEL2, STANDARD_BANDS
from watermap.config import PredictConfig, ProductConfig
from watermap.geo.area_text import km2_column
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_area_m2
from watermap.legend import WATER
from watermap.maps.area.measure import measure
from watermap.maps.report_facts import gather
from watermap.scenes.label import WATER_RASTER, open_label

GRIDS = {
    "web_mercator_60_north": (make_grid(96, 80, left=2_000_000, top=8_400_000, crs=CRS.from_epsg(3857)), 0.2506),
    "polar_80_north": (make_grid(96, 80, left=500_000, top=-900_000, crs=CRS.from_epsg(3995)), 1.040),
    "polar_30_north": (make_grid(96, 80, left=5_000_000, top=-5_000_000, crs=CRS.from_epsg(3995)), 0.602),
    "utm": (make_grid(96, 80), 1.0008),
    "utm_edge": (make_grid(96, 80, left=800_000), 0.9986),
    "degrees": (Grid(LON_LAT, Affine(1e-4, 0, 12, 0, -1e-4, 60), 96, 80), None),
}
"""Grids, and square metres on the ground of a square metre of the map, of the sphere or nearly so."""
PREDICT = PredictConfig(window=64, overlap=16)
PLAIN = ProductConfig(polygons=False, quicklook=False, stac=False)


def test_areas_on_the_page_are_watermap_s_own_in_any_crs(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "models" / "known")
    scenes, out = tmp_path / "scenes", tmp_path / "maps"
    for name, (grid, _) in GRIDS.items():
        water = shore_label(grid.shape) == 1
        image = np.full((len(STANDARD_BANDS), *grid.shape), 1000, dtype=np.uint16)
        image[STANDARD_BANDS.index("B3")] = np.where(water, 1500, 500)
        write_scene(scenes, name, grid, image=image)
    rows = predict_flow([str(scenes)], bundle.folder.parent, out, predict=PREDICT, products=PLAIN)
    shown = {row["scene"]: row["water km²"] for row in newest_table("predictions")}
    reported = {scene.raster.name: scene.water_km2 for scene in gather(out).scenes}
    assert set(shown) == set(reported) == set(GRIDS)
    assert {row.scene: row.water_km2 for row in rows} == reported
    areas = km2_column(area * 1e6 for area in reported.values() if area is not None)
    assert shown == dict(zip(reported, areas, strict=True))
    for name, (grid, scale) in GRIDS.items():
        path = out / f"{name}_water.tif"
        with rasterio.open(path) as dataset:
            is_water = dataset.read(1) == WATER
        assert 0.3 < is_water.mean() < 0.7
        pixels = pixel_area_m2(grid, Window(0, 0, grid.width, grid.height))
        assert reported[name] == pytest.approx(pixels[is_water].sum() / 1e6, rel=1e-12)
        with open_label(path, kind=WATER_RASTER) as label:
            assert reported[name] == pytest.approx(measure(label).water_m2 / 1e6, rel=1e-12)
        if scale is not None:
            planar = is_water.sum() * grid.pixel_width * grid.pixel_height / 1e6
            assert reported[name] / planar == pytest.approx(scale, rel=2e-2)


def test_a_map_whose_crs_tells_no_areas_has_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = logging.Logger("own")  # Prefect may take the handlers of the root logger away
    own.addHandler(caplog.handler)
    monkeypatch.setattr("flows.predict.log", lambda: own)
    nowhere = Grid(CRS.from_epsg(3035), Affine(1e7, 0, -1e9, 0, -1e7, 1e9), 4, 4)
    assert _water_km2(write_water(tmp_path / "a_water.tif", np.ones((4, 4)), nowhere)) is None
    assert "no area: " in caplog.text


def test_a_scene_is_found_once_and_each_file_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, lake, out = make_bundle(tmp_path / "models" / "known"), tmp_path / "lake", tmp_path / "out"
    for band, values in band_values().items():
        write_band(lake / f"{code_of(band)}.tif", values, SENTINEL2[band].pixel_size_m)
    files = listing(lake)
    listed, hashed = count_listings(monkeypatch), count_digests(monkeypatch)
    config = PREDICT.model_copy(update={"offset": -1000.0, "probability": "percent"})
    for state in (MADE, KEPT):
        (row,) = predict_flow([str(lake)], bundle.folder.parent, out, str(bundle.folder), config)
        assert row.state == state
        assert listed.pop(str(lake)) == 1
        assert of_files(hashed, lake) == dict.fromkeys(files, 1)
        maps = of_files(hashed, out)
        assert {"lake_water.tif", "lake_probability.tif"} <= set(maps)
        assert set(maps.values()) == {1}
        hashed.clear()


def test_the_sensor_that_is_stated_goes_with_the_scenes(tmp_path: Path) -> None:
    write_scene(tmp_path, "lake", make_grid(16, 16), bands=("B3", "B5"))
    (found,) = find_scenes_to_map.fn([str(tmp_path)], PredictConfig(sensor="landsat-8-9"))
    assert found.sensor == SENSORS["landsat-8-9"]
    assert find_scenes_to_map.fn([str(tmp_path)], PredictConfig())[0].sensor is None
