"""Samples on their way to an interpreter and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest

from tests.support.failures import one_line
from tests.support.interpreters import answer, edit
from tests.support.rasters import make_grid
from watermap.errors import DataError, UsageError
from watermap.maps.area.sample import Sample
from watermap.maps.area.samples import read_samples, write_samples

GRID = make_grid(40, 30)
DRAWN = Sample(
    pixels=(100, 200, 900),
    areas_m2=(1e4, 2e4, 9e4),
    stratum=np.array([2, 0, 1, 0]),
    rows=np.array([0, 3, 7, 29]),
    cols=np.array([0, 5, 11, 39]),
    shore_px=2,
    seed=7,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_samples(tmp_path / "a.gpkg", DRAWN, GRID, "digest")


def test_points_lie_in_the_middle_of_their_pixels(path: Path) -> None:
    meta, _, geometry, (ids, truth, remarks, strata) = pyogrio.raw.read(path, layer="samples")
    assert meta["crs"] == "EPSG:32633"
    assert list(meta["fields"]) == ["id", "truth", "remark", "stratum"]
    assert (ids.tolist(), strata.tolist(), remarks.tolist()) == ([1, 2, 3, 4], [2, 0, 1, 0], [""] * 4)
    assert np.isnan(truth).all()
    x, y = np.frombuffer(geometry[1][5:], dtype="<f8")
    assert (x, y) == (500_000 + 55, 5_300_000 - 35)


def test_what_was_entered_comes_back(path: Path) -> None:
    answer(path, {1: 1, 2: 1, 3: 255})
    assert read_samples(path).in_order
    answer(path, {1: 1, 2: None, 3: 255, 4: 1})
    found = read_samples(path)
    assert found.counts.tolist() == [[0, 1], [0, 0], [0, 1]]
    assert (found.unclear, found.open, found.in_order) == ((0, 1, 0), (1, 0, 0), False)
    assert (found.raster, found.shore_px, found.seed) == ("digest", 2, 7)
    assert (found.pixels, found.areas_m2) == (DRAWN.pixels, DRAWN.areas_m2)
    assert found.mapped_as == (1, 0, 0)
    assert found.names == ("water", "land beside water", "other land")


def test_other_answers_are_refused(path: Path) -> None:
    answer(path, {1: 7})
    with pytest.raises(DataError) as error:
        read_samples(path)
    assert "its field truth holds 7: answers are 1 water, 0 land, 255 cannot tell" in one_line(error)


def test_what_is_no_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_samples(tmp_path / "absent.gpkg")
    (tmp_path / "a.gpkg").write_text("no")
    with pytest.raises(DataError, match="holds no samples"):
        read_samples(tmp_path / "a.gpkg")
    with pytest.raises(UsageError, match="as a GeoPackage"):
        write_samples(tmp_path / "a.shp", DRAWN, GRID, "digest")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("INSERT INTO samples (id, truth, stratum) VALUES (5, 1, 0)", "holds sample 5, which was not drawn: remove"),
        ("UPDATE samples SET id = 9 WHERE id = 2", "holds sample 9, which was not drawn: remove the points"),
        ("INSERT INTO samples (truth) VALUES (1)", "holds a sample without id: remove it if it was added"),
        ("UPDATE samples SET id = NULL WHERE id = 2", "holds a sample without id: remove it if it was added"),
        ("UPDATE samples SET id = 1 WHERE id = 2", "holds sample 1 twice: remove the copies"),
        ("DELETE FROM samples WHERE id = 3", "lacks 1 of the 4 samples, such as id 3: take the file as sample-design"),
        ("UPDATE samples SET stratum = 1 WHERE id = 1", "its samples are not in the strata that they were drawn from"),
        ("UPDATE samples SET stratum = NULL WHERE id = 1", "its samples are not in the strata that they were drawn"),
        ("UPDATE strata SET area_m2 = NULL WHERE stratum = 1", "its table strata is not complete: take the file"),
        ("DELETE FROM strata WHERE stratum = 1", "its table strata is not complete: take the file as sample-design"),
        ("DELETE FROM strata", "its table strata is not complete: take the file as sample-design made it"),
        ("UPDATE strata SET shore_px = 100000", "its table strata holds 100000 for shore_px: take the file"),
        ("ALTER TABLE strata DROP COLUMN pixels", "lacks pixels: draw one with sample-design"),
    ],
)
def test_samples_and_strata_other_than_those_drawn_are_refused(path: Path, change: str, said: str) -> None:
    answer(path, {1: 1, 2: 1, 4: 0})
    edit(path, change)
    with pytest.raises(DataError) as error:
        read_samples(path)
    assert said in one_line(error)


def test_numbers_that_were_kept_as_text_are_read(path: Path) -> None:
    """As they come back from a table of text."""
    answer(path, {1: 1, 2: 0, 3: 255})
    wanted = read_samples(path)
    for table, names in (("samples", ("id", "truth", "stratum")), ("strata", ("area_m2", "pixels", "shore_px"))):
        for name in names:
            edit(
                path,
                f"ALTER TABLE {table} RENAME COLUMN {name} TO old_{name}",
                f"ALTER TABLE {table} ADD COLUMN {name} TEXT",
                f"UPDATE {table} SET {name} = CAST(old_{name} AS TEXT)",  # noqa: S608  # names of this test
            )
    edit(path, "UPDATE samples SET truth = '' WHERE truth IS NULL")
    found = read_samples(path)
    assert found.counts.tolist() == wanted.counts.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert (found.areas_m2, found.pixels, found.open) == (wanted.areas_m2, wanted.pixels, wanted.open)
    edit(path, "UPDATE samples SET id = 'one' WHERE id = '1'")
    with pytest.raises(DataError, match="its field id holds one, which is no number: take the file as"):
        read_samples(path)


@pytest.mark.parametrize(
    "change", ["UPDATE samples SET truth = 255 WHERE id = 4", "UPDATE samples SET remark = 'reeds' WHERE id = 4"]
)
def test_what_somebody_entered_is_not_replaced(path: Path, change: str) -> None:
    edit(path, change)
    before = path.read_bytes()
    with pytest.raises(UsageError) as error:
        write_samples(path, DRAWN, GRID, "other")
    assert "somebody has entered answers for 1 of its samples, which would be lost: name another" in one_line(error)
    assert path.read_bytes() == before


def test_a_sample_without_answers_is_replaced(path: Path) -> None:
    edit(path, "UPDATE samples SET remark = NULL")
    write_samples(path, DRAWN, GRID, "other")
    assert read_samples(path).raster == "other"


def test_what_is_open_elsewhere_or_no_sample_is_not_replaced(path: Path, tmp_path: Path) -> None:
    wal = path.with_name("a.gpkg-wal")
    wal.touch()
    with pytest.raises(UsageError, match="is open in another program"):
        write_samples(path, DRAWN, GRID, "other")
    wal.unlink()
    bodies = tmp_path / "bodies.gpkg"
    bodies.write_text("of somebody else")
    with pytest.raises(UsageError, match="is no sample that may be replaced: name another"):
        write_samples(bodies, DRAWN, GRID, "other")
    assert bodies.read_text() == "of somebody else"


def test_answers_in_words_are_told(path: Path) -> None:
    words = "ALTER TABLE samples DROP COLUMN truth", "ALTER TABLE samples ADD COLUMN truth TEXT"
    edit(path, *words, "UPDATE samples SET truth = 'lake' WHERE id = 2")
    with pytest.raises(DataError, match="its field truth holds lake, which is no number: answers are 1 water"):
        read_samples(path)


def test_the_style_is_kept_where_qgis_looks_for_it(tmp_path: Path) -> None:
    path = write_samples(tmp_path / "b.gpkg", DRAWN, GRID, "digest", style="<qgis/>")
    meta, _, _, columns = pyogrio.raw.read(path, layer="layer_styles", read_geometry=False)
    row = {name: column[0] for name, column in zip(meta["fields"], columns, strict=True)}
    assert (row["f_table_name"], row["f_geometry_column"], row["styleQML"]) == ("samples", "geom", "<qgis/>")
    assert row["useAsDefault"]
