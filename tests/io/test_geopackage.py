"""GeoPackages that old programs read too."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from tests.support.failures import one_line
from watermap.errors import UsageError
from watermap.io.geopackage import add_layer, check_name
from watermap.io.paths import location

POINTS = shapely.to_wkb(shapely.points([(10, 50), (11, 51)]))


def test_layers_and_tables_lie_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    truth = np.array([1, 0], np.int32)
    missing = np.array([False, True])
    add_layer(path, "samples", {"truth": truth}, shapes=POINTS, kind="Point", crs="EPSG:4326", empty=[missing])
    add_layer(path, "strata", {"name": np.array(["water", "land", "shore"])})
    assert dict(pyogrio.list_layers(path).tolist()) == {"samples": "Point", "strata": None}
    _, _, shapes, (found,) = pyogrio.raw.read(path, layer="samples")
    assert shapely.equals(shapely.from_wkb(shapes), shapely.from_wkb(POINTS)).all()
    assert found[0] == 1
    assert np.isnan(found[1])
    _, _, _, (names,) = pyogrio.raw.read(path, layer="strata", read_geometry=False)
    assert names.tolist() == ["water", "land", "shore"]


def test_the_version_is_one_that_older_programs_know(tmp_path: Path) -> None:
    add_layer(tmp_path / "a.gpkg", "places", {"id": np.arange(2)}, shapes=POINTS, kind="Point", crs="EPSG:4326")
    with sqlite3.connect(tmp_path / "a.gpkg") as file:
        assert file.execute("PRAGMA user_version").fetchone() == (10200,)
    file.close()


@pytest.mark.parametrize("name", ["a.shp", "a.gpkg.zip", "a"])
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        check_name(tmp_path / name, "polygons")
    assert one_line(error).endswith(f"{name}: polygons are written as a GeoPackage: give a name that ends in .gpkg")
    check_name(tmp_path / "A.GPKG", "polygons")


@pytest.mark.usefixtures("_elsewhere")
def test_a_place_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError, match="outputs go to local folders"):
        check_name(location("https://h/a.gpkg"), "polygons")
