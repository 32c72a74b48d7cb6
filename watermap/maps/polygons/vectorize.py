"""A water raster to polygons: one for each body, whatever its size, with areas on the ellipsoid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.config import VectorizeConfig
from watermap.errors import DataError
from watermap.geo.grid import Grid, blocks_with_halo
from watermap.geo.runs import Runs, find_runs
from watermap.io.files import writing
from watermap.io.gdal import read_from, small_cache
from watermap.io.geopackage import check_name
from watermap.io.raster import Raster, open_raster
from watermap.legend import LAND, NO_DATA, WATER
from watermap.maps.confidence import check_origin
from watermap.maps.polygons.bodies import whole_bodies
from watermap.maps.polygons.layer import BodyLayer, Drawing
from watermap.maps.polygons.outlines import trace
from watermap.maps.polygons.spool import Spool
from watermap.progress import Progress, silent
from watermap.scenes.dates import sensed_on
from watermap.scenes.find import check_outputs
from watermap.scenes.label import WATER_RASTER, Label, open_label

_BLOCK_PIXELS: Final = 2 << 20
_BATCH_CORNERS: Final = 250_000
_PERCENT_STEPS: Final = 100
_FLOAT_STEPS: Final = 1_000_000
"""Probabilities are summed up in whole steps, so that no mean depends on the order of its pixels."""


@dataclass(frozen=True)
class Bodies:
    """The polygons of a water raster.

    Attributes:
        path: the GeoPackage.
        count: bodies in it.
        area_m2: of all of them, as they are drawn.
        dropped: bodies left out for being too small.
        notes: what the user should know.
    """

    path: Path
    count: int
    area_m2: float
    dropped: int
    notes: tuple[str, ...] = ()


def vectorize(
    water: Path,
    out: Path,
    config: VectorizeConfig,
    *,
    probability: Path | None = None,
    classes: Mapping[int, str] | None = None,
    rows: int | None = None,
    progress: Progress = silent,
) -> Bodies:
    """Make a GeoPackage of the bodies of a water raster: layer `water`, in the raster's CRS.

    Pixels that share a side are of one body; where two touch at a corner only, they are two bodies. Fields: `id` from 1
    by the first pixel from the top and the left; `area_m2` and `perimeter_m` on the CRS's ellipsoid, of the polygon as
    it is drawn; `mean_probability` of its pixels; `size_class`; `touches_edge`, whether the raster's edge or no data
    cuts it off, so that its outline there is no shore; `date`. Memory is that of a block of rows, of the bodies that
    reach below it, and of some 70 bytes for each body; outlines wait on disk beside the result.

    Args:
        water: 0 land, 1 water, 255 no data.
        out: the GeoPackage.
        config: what is left out, and how shores are drawn. Simplified shores of bodies that lie closer together than
            the tolerance may cross.
        probability: P(water) on the same grid: whole percent (uint8), or floats.
        classes: the codes of which bodies are made, each by itself, and what the field `class` calls them; None: water
            alone, and no such field.
        rows: how many are read at once; the result does not depend on it.
        progress: told after every block, and after every batch that is written.

    Raises:
        DataError: a raster cannot be used, or the polygons cannot be written; nothing is left half done.
        StorageError: a raster lies elsewhere and cannot be reached.
        UsageError: `out` is no GeoPackage, is one of the rasters, or does not lie on this machine.
    """
    check_name(out, "polygons")
    check_outputs([out], [water] if probability is None else [water, probability])
    with ExitStack() as stack:
        stack.enter_context(small_cache())
        wanted = classes or {WATER: ""}
        kind = replace(WATER_RASTER, codes={code: code for code in (LAND, *wanted, NO_DATA)})
        label = stack.enter_context(open_label(water, kind=kind))
        grid = label.own_grid
        likely = None if probability is None else stack.enter_context(open_raster(probability))
        if likely is not None:
            _check(likely, label)
        drawing = Drawing(grid, config, str(water))
        part = stack.enter_context(writing(out))
        day = sensed_on(water, label.tags)
        layer = BodyLayer(out, part, drawing, day, has_classes=classes is not None)
        steps = 0 if likely is None else _steps(likely)
        for code, name in wanted.items():
            runs = _read_runs(label, likely, code, rows, progress)
            with Spool(out.parent, grid.width) as spool:
                for whole in whole_bodies(runs, grid.width):
                    spool.add(whole, trace(whole, grid.shape))
                before = layer.count + layer.dropped
                for table, outlines in spool.batches(_BATCH_CORNERS):
                    layer.write(table, outlines, steps=steps, name=name)
                    progress("water bodies written", layer.count + layer.dropped - before, spool.count)
        layer.finish()
        doubt = label.doubt if classes is None else None
    return Bodies(out, layer.count, layer.area_m2, layer.dropped, () if doubt is None else (doubt,))


def _check(likely: Raster, water: Label) -> None:
    """Refuse a probability that does not belong to a water raster."""
    if likely.count != 1:
        raise DataError(f"{likely.path}: has {likely.count} bands, but a probability raster has one")
    if not likely.grid.same_as(water.own_grid):
        raise DataError(
            f"{likely.path}: is not on the grid of {water.path} ({_size(likely.grid)}; {_size(water.own_grid)})",
            hint="give the probability that was predicted along with it",
        )
    check_origin(likely.path, likely.dataset.tags(), water.path, water.tags)


def _size(grid: Grid) -> str:
    x, y = grid.transform @ (0, 0)
    return f"{grid.crs.to_string()}, {grid.height} x {grid.width} pixels from {x:g}, {y:g}"


def _read_runs(
    label: Label, likely: Raster | None, code: int, rows: int | None, progress: Progress
) -> Iterator[tuple[Runs, int]]:
    """The runs of one code of a raster, block by block, and the row that follows on each block."""
    grid = label.own_grid
    if rows is None:
        rows = max(1, _BLOCK_PIXELS // grid.width)
        rows -= rows % label.block_rows if rows > label.block_rows else 0
    for block, wide, inner in blocks_with_halo(grid, rows, 1):
        codes = label.read(wide)
        above, below = 1 - inner.start, 1 - (len(codes) - inner.stop)
        around = np.pad(codes, ((above, below), (1, 1)), constant_values=NO_DATA)  # beyond the raster nothing is known
        chances = None if likely is None else _read_steps(likely, block)
        end = int(block.row_off + block.height)
        yield find_runs(around, int(block.row_off), chances, code=code), end
        progress("rows read for water bodies", end, grid.height)


def _read_steps(likely: Raster, window: Window) -> npt.NDArray[np.int32]:
    """Probabilities of whole rows in whole steps; -1 where they are unknown."""
    values = read_from(likely.path, lambda: likely.dataset.read(1, window=window), what=window)
    hidden = read_from(likely.path, lambda: likely.dataset.read_masks(1, window=window), what=window) == 0
    is_float = _steps(likely) == _FLOAT_STEPS
    most = 1 if is_float else _PERCENT_STEPS
    known = ~hidden & (~np.isnan(values) if is_float else values != NO_DATA)
    strange = values[((values < 0) | (values > most)) & known]
    if len(strange):
        raise DataError(
            f"{likely.path}: holds {strange[0]:g}, but probabilities go from 0 to {most}",
            hint="give a NAME_probability.tif of watermap predict --probability",
        )
    found = np.full(values.shape, -1, dtype=np.int32)
    found[known] = np.rint(values[known].astype(np.float64) * (_steps(likely) // most))
    return found


def _steps(likely: Raster) -> int:
    """Whole steps from no probability to all."""
    return _FLOAT_STEPS if np.issubdtype(likely.dtype, np.floating) else _PERCENT_STEPS
