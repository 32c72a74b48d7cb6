"""Scenes of any make as scenes of one: reflectance x 10,000, no data marked, on a grid with a place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS

from watermap.bands import REFLECTANCE_SCALE, canonical_name
from watermap.config import RecipeScene
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.cog import write_raster
from watermap.io.files import file_digest, writing_folder
from watermap.io.gdal import open_dataset
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout
from watermap.legend import LAND, NO_DATA, WATER
from watermap.progress import Progress, silent
from watermap.scenes.find import IMAGE_FILE
from watermap.scenes.folder import LABEL_FILE

NO_VALUE: Final = -32768
_RANGE: Final = (-2000, 30000)
_NOWHERE: Final = CRS.from_epsg(32631)
_APART_M: Final = 100_000.0
_DIGEST_TAG: Final = "WATERMAP_PREPARED_FROM"


def prepare_scenes(
    folder: Path,
    out: Path,
    scenes: Mapping[str, RecipeScene],
    *,
    least_px: int,
    progress: Progress = silent,
) -> list[str]:
    """Write a folder of scenes that can be tiled together; one that is there already, of the same files, is kept.

    A scene whose file does not say where it lies is set down south of 0 N 0 E, where no land is, each apart from the
    others: it is trained on like any other, and no scene of a real place is taken for one of the same ground.

    Args:
        folder: holds a folder for each scene.
        out: where they go.
        scenes: by name, what their files do not say. Scenes of the folder that it does not name are not taken.
        least_px: side up to which small scenes are filled up with no data.
        progress: told after each scene.

    Returns:
        The names of those that are there, sorted.

    Raises:
        DataError: one is damaged, its bands have no names, or image and label differ in size.
    """
    names = sorted(name for name in scenes if (folder / name / scenes[name].image).is_file())
    if not names:
        raise DataError(f"{folder}: holds none of the recipe's scenes ({', '.join(sorted(scenes)[:3])}, ...)")
    for done, name in enumerate(names, 1):
        place = sorted(scenes).index(name)
        _prepare(folder / name, out / name, scenes[name], least_px, place)
        progress("preparing scenes", done, len(names))
    return names


def _prepare(folder: Path, out: Path, scene: RecipeScene, least_px: int, place: int) -> None:
    image_path, label_path = folder / scene.image, folder / scene.label
    made_from = f"{file_digest(image_path)} {file_digest(label_path)} {scene.digest()} {least_px}"
    if (out / IMAGE_FILE).is_file():
        with open_dataset(out / IMAGE_FILE) as dataset:
            if dataset.tags().get(_DIGEST_TAG) == made_from:
                return
    with open_dataset(image_path) as dataset:
        bands = tuple(canonical_name(text) if text else None for text in dataset.descriptions)
        if None in bands:
            raise DataError(f"{image_path}: its bands have no names", hint="describe them in the file")
        values, grid = dataset.read(), _grid(dataset, scene.pixel_size_m, place)
        no_data = 0 if dataset.nodata is None else dataset.nodata
        missing = (values == no_data).all(axis=0) | ~values.any(axis=0)
    with open_dataset(label_path) as dataset:
        label = dataset.read(1)
    if label.shape != values.shape[1:]:
        raise DataError(f"{label_path}: is of another size than {image_path}")
    codes = np.where(np.isin(label, (LAND, WATER)) & ~missing, label, NO_DATA).astype(np.uint8)
    reflectance = (values.astype(np.float64) + scene.offset) * scene.scale
    numbers = np.clip(np.rint(reflectance / REFLECTANCE_SCALE), *_RANGE).astype(np.int16)
    numbers[:, missing] = NO_VALUE
    rows, cols = (max(0, least_px - side) for side in codes.shape)
    numbers = np.pad(numbers, ((0, 0), (0, rows), (0, cols)), constant_values=NO_VALUE)
    codes = np.pad(codes, ((0, rows), (0, cols)), constant_values=NO_DATA)
    _write(out, numbers, codes, Grid(grid.crs, grid.transform, codes.shape[1], codes.shape[0]), bands, made_from)


def _write(
    out: Path,
    numbers: npt.NDArray[np.int16],
    codes: npt.NDArray[np.uint8],
    grid: Grid,
    bands: tuple[str | None, ...],
    made_from: str,
) -> None:
    layout = RasterLayout("int16", tuple(band or "" for band in bands), NO_VALUE, "average")
    with writing_folder(out) as part:
        write_raster(part / IMAGE_FILE, numbers, grid, layout, tags={_DIGEST_TAG: made_from})
        write_raster(part / LABEL_FILE, codes[None], grid, LABEL_LAYOUT)


def _grid(dataset: Any, pixel_size_m: float | None, place: int) -> Grid:
    """The file's own grid, or one of its own at sea."""
    if pixel_size_m is None:
        return Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
    top = -_APART_M * (place + 1)
    shift = Affine.translation(500_000.0, top) @ Affine.scale(pixel_size_m, -pixel_size_m)
    return Grid(_NOWHERE, shift, dataset.width, dataset.height)
