import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rio_cogeo.cogeo import cog_validate

from tests.support.folders import listing
from tests.support.temporary import of_a_live_process
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.cog import RasterWriter, write_raster
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout, image_layout
from watermap.legend import WATER_COLORS

UTM = CRS.from_epsg(32633)
NORTH_UP = Affine(10, 0, 500_000, 0, -10, 5_000_000)
GRIDS = {
    "north_up": (UTM, NORTH_UP),
    "south_up": (UTM, Affine(10, 0, 500_000, 0, 10, 4_990_000)),
    "geographic": (CRS.from_epsg(4326), Affine(1e-4, 0, -0.78, 0, -1e-4, 38.12)),
}
CODES = np.array([0, 1, 255], dtype=np.uint8)


def labels(rows: int, cols: int) -> np.ndarray:
    return CODES[np.random.default_rng(0).integers(0, 3, (1, rows, cols))]


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("shape", [(1, 1), (777, 1301), (512, 512)])
def test_a_class_raster_is_a_valid_cog_with_all_that_it_should_carry(
    name: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    crs, transform = GRIDS[name]
    values = labels(*shape)
    path = write_raster(
        tmp_path / "x.tif", values, Grid(crs, transform, shape[1], shape[0]), LABEL_LAYOUT, tags={"A": "b"}
    )
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), values)
        assert dataset.crs == crs
        assert dataset.transform == transform
        assert dataset.nodata == 255
        assert dataset.descriptions == ("water",)
        assert {code: dataset.colormap(1)[code] for code in WATER_COLORS} == WATER_COLORS
        assert dataset.tags()["A"] == "b"
    assert listing(tmp_path) == ["x.tif"]


def test_overviews_are_nearest_for_classes_and_average_for_measurements(tmp_path: Path) -> None:
    grid = Grid(UTM, NORTH_UP, 1024, 1024)
    checks = np.indices((1024, 1024)).sum(axis=0) % 2
    write_raster(tmp_path / "c.tif", checks[None].astype(np.uint8), grid, LABEL_LAYOUT)
    layout = RasterLayout("float32", ("probability",), float("nan"), "average")
    write_raster(tmp_path / "p.tif", checks[None].astype(np.float32), grid, layout)
    with rasterio.open(tmp_path / "c.tif", overview_level=0) as dataset:
        assert set(np.unique(dataset.read())) <= {0, 1}
        assert dataset.shape == (512, 512)
    with rasterio.open(tmp_path / "p.tif", overview_level=0) as dataset:
        assert (dataset.read() == 0.5).all()


@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000), (2000, 2), (2000, 3), (3, 2000)])
def test_strips_are_valid_too(shape: tuple[int, int], tmp_path: Path) -> None:
    path = write_raster(tmp_path / "x.tif", labels(*shape), Grid(UTM, NORTH_UP, shape[1], shape[0]), LABEL_LAYOUT)
    is_valid, errors, _ = cog_validate(path)
    assert is_valid, errors


def test_an_image_keeps_its_bands_and_no_data(tmp_path: Path) -> None:
    bands = ("B2", "B3", "B4")
    values = np.random.default_rng(0).integers(0, 65536, (3, 70, 90)).astype(np.uint16)
    path = write_raster(tmp_path / "new" / "i.tif", values, Grid(UTM, NORTH_UP, 90, 70), image_layout(bands))
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as dataset:
        assert (dataset.descriptions, dataset.nodata) == (bands, 65535)
        np.testing.assert_array_equal(dataset.read(), values)


def test_rows_written_in_pieces_equal_the_whole(tmp_path: Path) -> None:
    values = labels(100, 60)
    with RasterWriter(tmp_path / "x.tif", Grid(UTM, NORTH_UP, 60, 100), LABEL_LAYOUT) as writer:
        for start, stop in ((0, 1), (1, 64), (64, 100)):
            writer.write(values[:, start:stop])
    with rasterio.open(tmp_path / "x.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), values)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(error: type[BaseException], tmp_path: Path) -> None:
    grid = Grid(UTM, NORTH_UP, 60, 100)
    path = write_raster(tmp_path / "x.tif", labels(100, 60), grid, LABEL_LAYOUT)
    before = path.read_bytes()
    with pytest.raises(error), RasterWriter(path, grid, LABEL_LAYOUT) as writer:
        writer.write(np.zeros((1, 50, 60), np.uint8))
        raise error
    assert path.read_bytes() == before
    assert listing(tmp_path) == ["x.tif"]


def test_too_few_rows_are_a_defect_not_a_file(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="50 of 100 rows"),
        RasterWriter(tmp_path / "x.tif", Grid(UTM, NORTH_UP, 60, 100), LABEL_LAYOUT) as writer,
    ):
        writer.write(np.zeros((1, 50, 60), np.uint8))
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    "values", [np.zeros((1, 5, 59), np.uint8), np.zeros((2, 5, 60), np.uint8), np.zeros((1, 5, 60))]
)
def test_rows_that_do_not_fit_are_a_defect(values: np.ndarray, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"rows do not fit|values"),
        RasterWriter(tmp_path / "x.tif", Grid(UTM, NORTH_UP, 60, 100), LABEL_LAYOUT) as writer,
    ):
        writer.write(values)


def test_a_file_that_changed_in_writing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rasterio.shutil.copy

    def corrupting_copy(source: Path, target: Path, **options: object) -> None:
        with rasterio.open(source, "r+") as dataset:
            dataset.write(np.ones((1, 1), np.uint8), 1, window=((0, 1), (0, 1)))
        real(source, target, **options)

    monkeypatch.setattr("rasterio.shutil.copy", corrupting_copy)
    with pytest.raises(DataError, match="changed in writing"):
        write_raster(tmp_path / "x.tif", np.zeros((1, 9, 9), np.uint8), Grid(UTM, NORTH_UP, 9, 9), LABEL_LAYOUT)
    assert listing(tmp_path) == []


def test_an_unwritable_target_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "x.tif").mkdir()
    grid = Grid(UTM, NORTH_UP, 9, 9)
    for target in (tmp_path / "file" / "x.tif", tmp_path / "x.tif"):
        with pytest.raises(DataError, match="cannot be written") as caught:
            write_raster(target, np.zeros((1, 9, 9), np.uint8), grid, LABEL_LAYOUT)
        assert str(target) in str(caught.value)


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    script = f"""
import numpy as np
from pathlib import Path
from affine import Affine
from rasterio.crs import CRS
from watermap.io.cog import RasterWriter
from watermap.io.layouts import LABEL_LAYOUT
from watermap.geo.grid import Grid
grid = Grid(CRS.from_epsg(32633), Affine(10, 0, 500_000, 0, -10, 5_000_000), 60, 100)
with RasterWriter(Path({str(tmp_path)!r}) / "x[1].tif", grid, LABEL_LAYOUT) as writer:
    writer.write(np.zeros((1, 50, 60), np.uint8))
    print("half", flush=True)
    import time; time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    other = of_a_live_process(tmp_path / "x[1].tif")
    other.write_text("of a process that lives")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    time.sleep(0.05)
    assert not (tmp_path / "x[1].tif").exists()
    assert len(listing(tmp_path)) == 2
    write_raster(tmp_path / "x[1].tif", labels(100, 60), Grid(UTM, NORTH_UP, 60, 100), LABEL_LAYOUT)
    assert listing(tmp_path) == sorted([other.name, "x[1].tif"])


def test_no_rows_are_written_as_nothing(tmp_path: Path) -> None:
    with RasterWriter(tmp_path / "x.tif", Grid(UTM, NORTH_UP, 60, 10), LABEL_LAYOUT) as writer:
        writer.write(labels(10, 60))
        writer.write(np.zeros((1, 0, 60), dtype=np.uint8))
    with rasterio.open(tmp_path / "x.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), labels(10, 60))
