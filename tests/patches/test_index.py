"""The index of a patch store, as a map."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyogrio
import rasterio
import shapely
from rasterio.warp import transform_geom

from tests.patches.tiling import SMALL
from watermap.io.raster import open_raster
from watermap.patches.tile import tile


def test_the_index_opens_as_a_map(scenes: Path, tmp_path: Path) -> None:
    summary = tile(scenes, tmp_path / "patches", SMALL)
    path = summary.folder / "patches.gpkg"
    assert pyogrio.list_layers(path).tolist() == [["patches", "Polygon"]]
    meta, _, geometry, columns = pyogrio.raw.read(path)
    assert meta["crs"] == "EPSG:4326"
    fields = dict(zip(meta["fields"], columns, strict=True))
    assert set(fields) == {
        "id", "scene", "split", "block", "row", "col", "water_fraction", "valid_fraction", "shard", "position",
    }  # fmt: skip
    assert len(set(fields["id"])) == len(geometry) == sum(summary.counts.values())
    assert Counter(fields["split"]) == summary.counts
    places = zip(fields["scene"], fields["row"], fields["col"], shapely.from_wkb(geometry), strict=True)
    for scene, row, col, outline in places:
        with open_raster(scenes / scene / "image.tif") as raster:
            window = rasterio.windows.Window(col, row, 32, 32)
            moved = transform_geom(raster.grid.crs, "EPSG:4326", raster.grid.footprint(window))
            expected = shapely.geometry.shape(moved)
        assert outline.symmetric_difference(expected).area < 1e-9 * expected.area
