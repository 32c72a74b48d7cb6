"""Plain folders of band files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.io.products import GRID, at_10_m, read, stacked
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import make_grid, write_scene, write_tif
from tests.support.safes import (
    FINE,
    NAME,
    SIZE,
    Bands,
    code_of,
    metadata_text,
    write_band,
    write_safe,
)
from tests.support.scenes import paths_of_found
from watermap.bands import SENTINEL2, STANDARD_BANDS, Radiometry
from watermap.errors import DataError, UsageError
from watermap.io.raster import open_raster
from watermap.scenes.find import output_name


def names_of(path: Path) -> tuple[str | None, ...]:
    with open_raster(path) as raster:
        return raster.names


def write_folder(folder: Path, bands: Bands, suffix: str = ".tif", **options: Any) -> Path:
    """A plain folder of band files; returns it."""
    for band, values in bands.items():
        write_band(folder / f"{code_of(band)}{suffix}", values, SENTINEL2[band].pixel_size_m, **options)
    return folder


@pytest.mark.parametrize("no_data", [0, 65535, None])
def test_a_plain_folder_keeps_the_no_data_of_its_files(no_data: int | None, tmp_path: Path, bands: Bands) -> None:
    for band, values in bands.items():
        values[: 10 if band in FINE else 5] = 0 if no_data is None else no_data
    bands["B2"][50, 50] = 0  # a dark lake
    with open_raster(write_folder(tmp_path / "lake", bands, nodata=no_data)) as raster:
        assert raster.no_data == no_data
        assert raster.radiometry(range(6)) is None
        pixels = raster.read()
    np.testing.assert_array_equal(pixels.valid, np.broadcast_to(np.arange(SIZE)[:, None] >= 10, GRID.shape))
    values = pixels.values[4, 10:]
    assert 1100 <= values.min() <= values.max() < 4000


def test_numbers_with_fractions_are_stacked(tmp_path: Path, bands: Bands) -> None:
    fractions = {band: (values / 10_000).astype(np.float32) for band, values in bands.items()}
    fractions["B11"][30:40] = np.nan
    pixels = read(write_folder(tmp_path / "lake", fractions, nodata=np.nan))
    np.testing.assert_array_equal(pixels.values[0], fractions["B2"])
    assert not pixels.valid[60:80].any()
    inner = np.s_[:58]
    np.testing.assert_allclose(pixels.values[4][inner], at_10_m(fractions["B11"], 20)[inner], rtol=1e-6)


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_a_plain_folder_of_bands_is_one_scene(suffix: str, tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake.2023", bands, suffix)
    write_band(folder / f"SCL{suffix}", np.full((60, 60), 6, np.uint8), 20)
    write_band(folder / f"TCI{suffix}", np.full((3, SIZE, SIZE), 6, np.uint8), 10)
    (folder / "metadata.json").write_text("{}")
    assert paths_of_found([folder]) == [folder]
    assert output_name(folder) == "lake.2023"
    assert names_of(folder) == STANDARD_BANDS
    np.testing.assert_array_equal(read(folder).values, stacked(bands))


def test_what_the_files_of_a_plain_folder_state_counts(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands)
    for path in folder.iterdir():
        with rasterio.open(path, "r+") as dataset:
            dataset.scales, dataset.offsets = (1e-4,), (-0.1,)
    with open_raster(folder) as raster:
        assert raster.radiometry(range(6)) == Radiometry(1e-4, -1000)


def test_metadata_in_a_plain_folder_count(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands, ".jp2")
    (folder / "MTD_MSIL2A.xml").write_text(metadata_text([], level="2A", offset=-1000))
    with open_raster(folder) as raster:
        assert raster.radiometry(range(6)) == Radiometry(1e-4, -1000)


def test_a_folder_of_images_stays_one(tmp_path: Path) -> None:
    grid = make_grid(20, 20)
    image = np.ones((6, 20, 20), np.uint16)
    write_tif(tmp_path / "several" / "lake_b2.tif", image, grid)
    write_tif(tmp_path / "several" / "lake_b3.tif", image, grid)
    write_tif(tmp_path / "single" / "lake.tif", image[:1], grid)
    write_tif(tmp_path / "single" / "red.tif", image[:1], grid)
    write_tif(tmp_path / "mixed" / "lake.tif", image, grid)
    for code in ("B02", "B03"):
        write_tif(tmp_path / "mixed" / f"{code}.tif", image[:1], grid)
    for folder in ("several", "single", "mixed"):
        found = paths_of_found([tmp_path / folder])
        assert [path.name for path in found] == listing(tmp_path / folder)


def test_a_folder_of_products_means_all_of_them(safe: Path, bands: Bands, tmp_path: Path) -> None:
    second = write_safe(tmp_path, bands, name=NAME.replace("20230607", "20230612"))
    plain = write_folder(tmp_path / "plain", bands)
    assert paths_of_found([tmp_path]) == [safe, second, plain]
    assert paths_of_found([f"{tmp_path}/*.SAFE"]) == [safe, second]
    assert [output_name(path) for path in paths_of_found([safe, plain])] == [NAME, "plain"]
    write_scene(tmp_path, "lake", make_grid(20, 20))
    write_tif(tmp_path / "passed_over.tif", np.ones((1, 9, 9), np.uint8), make_grid(9, 9))
    assert paths_of_found([tmp_path]) == [safe, second, tmp_path / "lake" / "image.tif", plain]
    with pytest.raises(UsageError, match="would both give"):
        paths_of_found([safe, write_safe(tmp_path / "again", bands)])


def test_two_scenes_in_one_folder_are_told(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands)
    write_band(folder / "20230612_B02.tif", bands["B2"], 10)
    assert paths_of_found([folder]) == [folder]
    with pytest.raises(DataError, match=r"several files hold B2 \(20230612_B02.tif, B02.tif\)") as error:
        read(folder)
    one_line(error)


def test_a_mask_that_would_be_lost_is_told(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands)
    with rasterio.open(folder / "B03.tif", "r+") as dataset:
        dataset.write_mask(np.ones(GRID.shape, bool))
    with pytest.raises(DataError, match="has a mask") as error:
        read(folder)
    one_line(error)
