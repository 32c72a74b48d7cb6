"""Small georeferenced rasters for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from watermap.bands import STANDARD_BANDS
from watermap.geo.grid import Grid

UTM33 = CRS.from_epsg(32633)
UTM32 = CRS.from_epsg(32632)
LON_LAT = CRS.from_epsg(4326)

REAL_DATA = Path(__file__).parents[3] / "shared" / "data"
"""Real scenes; tests that need them are skipped where they are absent."""


def make_grid(
    width: int = 256,
    height: int = 256,
    *,
    left: float = 500_000.0,
    top: float = 5_300_000.0,
    pixel: float = 10.0,
    crs: CRS = UTM33,
) -> Grid:
    """A north-up grid of square pixels."""
    return Grid(crs, Affine(pixel, 0, left, 0, -pixel, top), width, height)


def grid_around(grid: Grid, crs: CRS, *, pixel: float = 10.0, size: int | None = None) -> Grid:
    """A grid in another CRS with the same middle."""
    x, y = grid.transform @ (grid.width / 2, grid.height / 2)
    (x,), (y,) = transform(grid.crs, crs, [x], [y])
    width, height = (size, size) if size else (grid.width, grid.height)
    return make_grid(width, height, left=x - width * pixel / 2, top=y + height * pixel / 2, pixel=pixel, crs=crs)


def shore_label(shape: tuple[int, int], *, seed: int = 0) -> npt.NDArray[np.uint8]:
    """(rows, cols) with land and water in stripes about as wide as a small patch, so that most patches hold both."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    angle = rng.uniform(0, np.pi)
    water: npt.NDArray[np.bool_] = np.sin((rows * np.sin(angle) + cols * np.cos(angle)) / 9) > 0
    return water.astype(np.uint8)


def lake_image(label: npt.NDArray[Any], bands: int, *, seed: int = 0, dtype: str = "uint16") -> npt.NDArray[Any]:
    """(bands, rows, cols) of digital numbers that are dark over water; every pixel differs a little."""
    rng = np.random.default_rng(seed)
    values = np.where(label == 1, 200, 1800) + rng.integers(1, 100, (bands, *label.shape))
    return values.astype(dtype)


def write_tif(
    path: Path,
    values: npt.NDArray[Any],
    grid: Grid,
    *,
    names: Sequence[str] | None = None,
    no_data: float | None = None,
    **options: Any,
) -> Path:
    """Write (bands, rows, cols) as a plain GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=grid.width,
        height=grid.height,
        count=len(values),
        dtype=values.dtype.name,
        crs=grid.crs,
        transform=grid.transform,
        nodata=no_data,
        **options,
    ) as dataset:
        dataset.write(values)
        if names is not None:
            dataset.descriptions = tuple(names)
    return path


def write_scene(
    folder: Path,
    name: str,
    grid: Grid,
    *,
    label: npt.NDArray[Any] | None = None,
    image: npt.NDArray[Any] | None = None,
    bands: Sequence[str] | None = STANDARD_BANDS,
    label_grid: Grid | None = None,
    seed: int = 0,
    dtype: str = "uint16",
) -> Path:
    """Write `<folder>/<name>/image.tif` and `label.tif`; returns the scene's folder.

    Args:
        folder: of scenes.
        name: of the scene.
        grid: of the image.
        label: (rows, cols); default: stripes of land and water.
        image: (bands, rows, cols); default: dark over water.
        bands: names of the bands, None for none.
        label_grid: of the label, where it differs.
        seed: of the default label and image.
        dtype: of the default image.
    """
    truth = shore_label(grid.shape, seed=seed) if label is None else label
    if image is None:
        like = truth if label_grid is None else shore_label(grid.shape, seed=seed)
        image = lake_image(like, len(bands or STANDARD_BANDS), seed=seed, dtype=dtype)
    write_tif(folder / name / "image.tif", image, grid, names=bands)
    write_tif(folder / name / "label.tif", truth[None], label_grid or grid, no_data=255)
    return folder / name


def write_places(folder: Path) -> Path:
    """Four scenes of three places, striped with water; two are dates of one place. Returns the folder."""
    write_scene(folder, "alpha", make_grid(200, 150), seed=1)
    write_scene(folder, "beta_1", make_grid(128, 128, left=600_000), seed=2)
    write_scene(folder, "beta_2", make_grid(128, 128, left=600_000), seed=3)
    write_scene(folder, "gamma", make_grid(128, 160, left=650_000), seed=4)
    return folder
