"""The rasters of a scene's index: the index itself and, by a threshold, a water raster, strip by strip."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rasterio.windows import Window

from watermap.arrays import FloatArray
from watermap.bands import Radiometry
from watermap.config import IndexConfig
from watermap.errors import DataError
from watermap.geo.body_sieve import BodySieve
from watermap.geo.grid import blocks
from watermap.io.cog import RasterWriter
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout
from watermap.io.raster import Raster
from watermap.legend import NO_DATA, WATER
from watermap.maps.index_style import index_layout
from watermap.prediction.outputs import WATER_END, raster_path
from watermap.prediction.provenance import (
    CONFIG_TAG,
    INDEX_RULE_TAG,
    INDEX_TAG,
    INDEX_THRESHOLD_TAG,
    min_area_tag,
    provenance,
    scene_tags,
    stated_provenance,
)
from watermap.prediction.scene import Prediction
from watermap.progress import Progress, silent
from watermap.scenes.clouds import CloudMask, Clouds, open_clouds
from watermap.scenes.dates import sensed_on
from watermap.scenes.edges import values_beside_edges
from watermap.scenes.find import output_name
from watermap.scenes.indices import INDICES, WaterIndex
from watermap.scenes.radiometry import to_reflectance, usual_radiometry
from watermap.scenes.thresholds import has_two_modes, index_histogram, otsu_threshold

_STRIP_PIXELS: Final = 2 << 20
_TALLEST: Final = 1024
"""Rows of a strip at most, where the file's own blocks are as high."""
_CHANGE_NO_INDEX: Final = {"threshold": None, "min_area_m2": 0.0}
"""Settings of the water raster, which the index does not depend on."""


@dataclass(frozen=True)
class Threshold:
    """From which value of an index a pixel is water.

    Attributes:
        value: the threshold.
        rule: where it is from: stated, otsu or edge-otsu.
        note: what the user should know of it.
    """

    value: float
    rule: str
    note: str | None = None


@dataclass(frozen=True)
class IndexRasters:
    """The rasters of a scene's index.

    Attributes:
        index: the index raster.
        layout: of it.
        threshold: by which water was mapped; None: it was not.
        water: the water raster, with the index raster beside it; None without a threshold.
        valid_pixels, pixels: counts.
        notes: what the user should know.
    """

    index: Path
    layout: RasterLayout
    threshold: Threshold | None
    water: Prediction | None
    valid_pixels: int
    pixels: int
    notes: tuple[str, ...]


def write_index(
    raster: Raster, out: Path, config: IndexConfig, *, clouds: Clouds | None = None, progress: Progress = silent
) -> IndexRasters:
    """Write the index of an open scene on exactly its grid, and a water raster where there is a threshold.

    Memory is that of some rows. Where a rule finds the threshold, the scene is read twice.

    Args:
        raster: the scene.
        out: the folder of the rasters.
        config: which index, where water begins, and what the scene's numbers mean.
        clouds: where there are clouds: under them nothing is seen.
        progress: told after every strip.

    Raises:
        DataError: the scene cannot be used, or a raster cannot be written; neither is left half done.
        StorageError: the scene lies elsewhere and cannot be reached.
        UsageError: `out` does not lie on this machine.
    """
    index, grid, scene = INDICES[config.index], raster.grid, raster.scene
    index_path, water_path = (raster_path(out, scene, end) for end in (index.name, WATER_END))
    positions = _positions(raster, index)
    radiometry = usual_radiometry(raster, positions, offset=config.offset, scale=config.scale)
    reader = _IndexReader(raster, positions, radiometry, index)
    earlier = stated_provenance(water_path)
    water_pixels = valid_pixels = 0
    with ExitStack() as stack:
        mask = None if clouds is None else stack.enter_context(open_clouds(clouds, grid, scene))
        sieve = BodySieve(grid, config.min_area_m2)
        day = sensed_on(Path(output_name(scene)), raster.dataset.tags())
        tags = stack.enter_context(ThreadPoolExecutor(1)).submit(scene_tags, scene, day, mask)  # reads all of the file
        threshold = _threshold(reader, config, clouds, progress)
        layout = index_layout(index, 0.0 if threshold is None else threshold.value)
        writer = stack.enter_context(RasterWriter(index_path, grid, layout))
        water = None if threshold is None else stack.enter_context(RasterWriter(water_path, grid, LABEL_LAYOUT))
        for row, values in reader.strips(mask):
            writer.write(values[None])
            is_missing = np.isnan(values)
            valid_pixels += int(values.size - np.count_nonzero(is_missing))
            if threshold is not None and water is not None:
                codes = index.is_water(values, threshold.value).view(np.uint8)  # WATER and LAND are 1 and 0
                codes[is_missing] = NO_DATA
                decided = sieve.add(codes)
                water_pixels += int(np.count_nonzero(decided == WATER))
                water.write(decided[None])
            progress(f"{index.name}: rows", row + len(values), grid.height)
        made_of = tags.result() | {INDEX_TAG: index.name}
        writer.add_tags(made_of | {CONFIG_TAG: config.model_copy(update=_CHANGE_NO_INDEX).digest()})
        if threshold is not None and water is not None:
            rest = sieve.finish()
            water_pixels += int(np.count_nonzero(rest == WATER))
            water.write(rest[None])
            made_of |= _water_tags(threshold, config)
            water.add_tags(made_of)
        notes = [*raster.notes, None if threshold is None else threshold.note, None if mask is None else mask.note]
    remarks = tuple(note for note in notes if note is not None)
    pixels = grid.width * grid.height
    made = Prediction(
        water=water_path,
        others={index.name: index_path},
        water_pixels=water_pixels,
        valid_pixels=valid_pixels,
        pixels=pixels,
        notes=remarks,
        replaces=bool(earlier) and earlier != provenance(made_of),
    )
    return IndexRasters(
        index_path, layout, threshold, None if threshold is None else made, valid_pixels, pixels, notes=remarks
    )


@dataclass(frozen=True)
class _IndexReader:
    """A scene's index, strip by strip."""

    raster: Raster
    positions: tuple[int, ...]
    radiometry: Radiometry
    index: WaterIndex

    def strips(self, mask: CloudMask | None) -> Iterator[tuple[int, FloatArray]]:
        """The first row of each strip and its values (rows, cols), NaN where there is no data, or a cloud."""
        read, width = self.raster.reader(self.positions), self.raster.grid.width
        for window in blocks(self.raster.grid, _strip_rows(self.raster)):
            pixels = read(window)
            values = self.index(*to_reflectance(pixels.values, self.radiometry)).astype(np.float32, copy=False)
            values[~pixels.valid] = np.nan
            if mask is not None:
                values[mask.read(Window(0, window.row_off, width, window.height))] = np.nan
            yield int(window.row_off), values


def _positions(raster: Raster, index: WaterIndex) -> tuple[int, ...]:
    """Where the bands of an index lie; a scene without them is told the indices that it has the bands of."""
    try:
        return raster.find(index.bands)
    except DataError as error:
        others = [each.name for each in INDICES.values() if set(each.bands) <= set(raster.bands)]
        if not others or index.name in others:
            raise
        raise DataError(error.message, hint=f"it has the bands of --index {' or '.join(others)}") from error


def _strip_rows(raster: Raster) -> int:
    """Rows that are read at once: as many of the file's own blocks as memory allows."""
    most, block = max(1, _STRIP_PIXELS // raster.grid.width), raster.block_rows
    return most - most % block if block <= most else min(block, _TALLEST)


def _threshold(
    reader: _IndexReader, config: IndexConfig, clouds: Clouds | None, progress: Progress
) -> Threshold | None:
    """Where water begins: as stated, or by the histogram of the whole scene, or of what lies beside sharp edges."""
    if config.threshold is None or isinstance(config.threshold, float):
        return None if config.threshold is None else Threshold(config.threshold, "stated")
    rule, index, grid = config.threshold, reader.index, reader.raster.grid
    counts = index_histogram(np.zeros(0), index.value_range)
    with ExitStack() as stack:
        mask = None if clouds is None else stack.enter_context(open_clouds(clouds, grid, reader.raster.scene))
        strips = _reported(reader.strips(mask), f"{rule}: rows", grid.height, progress)
        for values in strips if rule == "otsu" else values_beside_edges(strips, index.value_range):
            counts += index_histogram(values[np.isfinite(values)], index.value_range)
    value = round(otsu_threshold(counts, index.value_range), 4)
    if has_two_modes(counts, value, index.value_range):
        return Threshold(value, rule)
    what = "its histogram" if rule == "otsu" else "what lies beside its sharp edges"
    note = f"{reader.raster.path}: {index.title} shows no two modes in {what}, so 0 is the threshold"
    return Threshold(0.0, rule, note)


def _reported(
    strips: Iterator[tuple[int, FloatArray]], message: str, height: int, progress: Progress
) -> Iterator[FloatArray]:
    for row, values in strips:
        yield values
        progress(message, row + len(values), height)


def _water_tags(threshold: Threshold, config: IndexConfig) -> dict[str, str]:
    value = f"{threshold.value:.10g}"
    return {
        INDEX_THRESHOLD_TAG: value,
        INDEX_RULE_TAG: threshold.rule,
        **min_area_tag(config.min_area_m2),
        CONFIG_TAG: config.digest(),
    }
