from pathlib import Path

import pytest

from tests.support.folders import listing
from watermap.errors import UsageError
from watermap.maps.public import change, timeline, vectorize


def test_polygons_and_their_style_lie_beside_the_raster(workspace: Path) -> None:
    made = vectorize(str(workspace / "lake_20230601_water.tif"))
    assert made.path == workspace / "lake_20230601_bodies.gpkg"
    assert made.path.with_suffix(".qml").is_file()
    assert (made.count, made.dropped) == (1, 0)


def test_settings_are_stated_or_in_a_file(workspace: Path) -> None:
    Path("watermap.toml").write_text("[vectorize]\nmin_area_m2 = 1e9\n")
    assert vectorize("lake_20230601_water.tif", "a.gpkg", config="watermap.toml").dropped == 1
    assert vectorize("lake_20230601_water.tif", "b.gpkg", config="watermap.toml", min_area_m2=0.0).dropped == 0
    with pytest.raises(UsageError, match="min_area: no such setting"):
        vectorize("lake_20230601_water.tif", "c.gpkg", min_area=1)
    assert not Path("c.gpkg").exists()


def test_a_change_has_raster_polygons_table_and_picture(workspace: Path) -> None:
    made = change("lake_20230601_water.tif", Path("lake_20240601_water.tif"))
    assert made.raster.parent == Path("data/changes")
    stem = "lake_20230601_to_lake_20240601_change"
    ends = (".csv", ".png", ".qml", ".tif", "_bodies.gpkg", "_bodies.qml")
    assert listing(workspace / "data" / "changes") == sorted(f"{stem}{end}" for end in ends)
    assert made.pixels[3] == 700  # lost
    assert made.water_before_m2 > made.water_after_m2


def test_a_timeline_is_written_where_the_rasters_are(workspace: Path) -> None:
    before = set(listing(workspace))
    made = timeline(str(workspace), min_valid=0.5)
    assert set(listing(workspace)) - before == {"timeline.csv", "timeline.png"}
    assert (len(made.dates), made.min_valid) == (2, 0.5)
    timeline(workspace, "series")
    assert listing(workspace / "series") == ["timeline.csv", "timeline.png"]
