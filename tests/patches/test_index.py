"""The index of a patch store, as a map."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest
import rasterio
import shapely
from rasterio.warp import transform_geom

from tests.patches.tiling import SMALL
from tests.support.failures import one_line
from watermap.errors import DataError
from watermap.io.raster import open_raster
from watermap.patches.index import INDEX_FILE, PatchRecord, read_index, write_index
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


RECORDS = [
    PatchRecord("a1", "Évian", "train", "a_r0_c0", 3, 4, 0.25, 1.0, 0, 0, shapely.box(6, 46, 6.1, 46.1)),
    PatchRecord("b2", "lake 2", "test", "b_r1_c0", 0, 70_000, 0.5, 0.75, 1, 12, shapely.box(7, 46, 7.1, 46.1)),
]


def test_what_is_written_is_read_in_the_same_order(tmp_path: Path) -> None:
    path = tmp_path / INDEX_FILE
    for records in (RECORDS, RECORDS[::-1], []):
        write_index(path, records)
        assert read_index(path) == records
        path.unlink()


def test_patches_across_the_antimeridian_keep_their_two_parts(tmp_path: Path) -> None:
    parts = shapely.MultiPolygon([shapely.box(179.9, 0, 180, 0.1), shapely.box(-180, 0, -179.9, 0.1)])
    records = [RECORDS[0], replace(RECORDS[1], footprint=parts)]
    write_index(tmp_path / INDEX_FILE, records)
    assert read_index(tmp_path / INDEX_FILE) == records


@pytest.mark.parametrize(("content", "reason"), [(None, "it is missing"), (b"nothing", "it is not readable")])
def test_an_index_that_is_none_is_one_line(content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / INDEX_FILE
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_index(path)
    assert one_line(error) == f"{path}: damaged, {reason}: tile the scenes again"
