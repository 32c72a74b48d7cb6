"""Water rasters of many places and dates put together into one."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from rasterio.windows import Window

from watermap import __version__
from watermap.arrays import Codes
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid, blocks
from watermap.io.cog import RasterWriter
from watermap.io.files import identity
from watermap.io.gdal import small_cache
from watermap.io.layouts import LABEL_LAYOUT
from watermap.io.paths import local, location
from watermap.io.qgis_style import write_raster_style
from watermap.legend import LAND, NO_DATA, WATER
from watermap.maps.alignment import Placed, union
from watermap.maps.confidence import Confidence, ConfidenceReader, open_confidence, probability_path
from watermap.prediction.provenance import (
    BUNDLE_TAG,
    INDEX_RULE_TAG,
    INDEX_TAG,
    INDEX_THRESHOLD_TAG,
    MIN_AREA_TAG,
    THRESHOLD_TAG,
)
from watermap.progress import Progress, silent
from watermap.scenes.dates import DATE_TAG, sensed_on
from watermap.scenes.find import check_outputs
from watermap.scenes.label import WATER_RASTER, Label, open_label

Rule = Literal["newest", "majority", "most-certain"]
"""Which of several values a pixel takes."""

_BLOCK_ROWS: Final = 512
_MOST_RASTERS: Final = 400
"""All of them are open at once, and systems let a process open a thousand files."""
_SPARSE_SHARE: Final = 0.01
_KEPT_TAGS: Final = (
    "WATERMAP_BUNDLE",
    BUNDLE_TAG,
    "WATERMAP_ENGINE",
    THRESHOLD_TAG,
    INDEX_TAG,
    INDEX_THRESHOLD_TAG,
    INDEX_RULE_TAG,
    MIN_AREA_TAG,
)
"""Metadata that the mosaic has too where all its rasters agree."""


@dataclass(frozen=True)
class Mosaic:
    """What was put together.

    Attributes:
        path: the water raster.
        grid: its pixel grid.
        parts: its rasters in the order in which they come first, with the day on which each was seen, if known.
        water_pixels, valid_pixels: counts.
        notes: what the user should know.
    """

    path: Path
    grid: Grid
    parts: tuple[tuple[Path, datetime.date | None], ...]
    water_pixels: int
    valid_pixels: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class MosaicPart:
    """What one raster holds of a block.

    Attributes:
        rows, cols: where, in the block.
        codes: (rows, cols) of the piece.
        confidence: (rows, cols) of the piece, for the rule that asks for it.
    """

    rows: slice
    cols: slice
    codes: Codes
    confidence: Confidence | None = None


@dataclass(frozen=True)
class _Layer:
    label: Label
    day: datetime.date | None
    confidence: ConfidenceReader | None
    place: Placed


def newest(parts: Iterable[MosaicPart], shape: tuple[int, int]) -> Codes:
    """The first piece that holds data decides; those after a block is full are not asked for.

    Args:
        parts: the newest first.
        shape: (rows, cols) of the block.
    """
    result = np.full(shape, NO_DATA, dtype=np.uint8)
    for part in parts:
        below = result[part.rows, part.cols]
        np.copyto(below, part.codes, where=below == NO_DATA)
        if not (result == NO_DATA).any():
            break
    return result


def majority(parts: Iterable[MosaicPart], shape: tuple[int, int]) -> Codes:
    """The class seen most often; of a tie what the first piece that holds data says.

    Args:
        parts: the newest first.
        shape: (rows, cols) of the block.
    """
    result = np.full(shape, NO_DATA, dtype=np.uint8)
    lead = np.zeros(shape, dtype=np.int16)  # of water over land
    for part in parts:
        below = result[part.rows, part.cols]
        np.copyto(below, part.codes, where=below == NO_DATA)
        lead[part.rows, part.cols] += (part.codes == WATER).astype(np.int16) - (part.codes == LAND)
    result[lead > 0] = WATER
    result[lead < 0] = LAND
    return result


def most_certain(parts: Iterable[MosaicPart], shape: tuple[int, int]) -> Codes:
    """The piece whose probability is farthest from its threshold decides, of equal ones the first.

    Args:
        parts: with certainty, the newest first.
        shape: (rows, cols) of the block.
    """
    result = np.full(shape, NO_DATA, dtype=np.uint8)
    best = np.full(shape, -1, dtype=np.float32)
    for part in parts:
        if part.confidence is None:
            raise ValueError("a piece has no certainty")
        here = best[part.rows, part.cols]
        is_better = (part.codes != NO_DATA) & (part.confidence > here)
        np.copyto(here, part.confidence, where=is_better)
        np.copyto(result[part.rows, part.cols], part.codes, where=is_better)
    return result


_RULES: Final[Mapping[Rule, Callable[[Iterable[MosaicPart], tuple[int, int]], Codes]]] = {
    "newest": newest,
    "majority": majority,
    "most-certain": most_certain,
}


def mosaic(
    waters: Sequence[str | Path], out: str | Path, *, rule: Rule = "newest", progress: Progress = silent
) -> Mosaic:
    """Put water rasters of aligned pixels together over all the ground that they cover.

    A pixel is no data only where no raster holds data. Rasters of one day, and those of unknown days, come in the order
    given. Memory grows with the width of the mosaic alone.

    Args:
        waters: water rasters with one CRS and pixel size, shifted by whole pixels.
        out: the mosaic.
        rule: newest: what was seen last; majority: what was seen most often, of a tie what was seen last;
            most-certain: by the probability raster beside each.
        progress: told after every block of rows.

    Raises:
        DataError: a raster cannot be used or does not fit the first, its day or its probability is wanted and not
            known, or the mosaic cannot be written.
        StorageError: a raster lies elsewhere and cannot be reached.
        UsageError: a raster is given twice; too many; the mosaic is one of the files that are read, is no GeoTIFF, or
            does not lie on this machine.

    Example:
        >>> import watermap
        >>> made = watermap.mosaic(["lake_20230601_water.tif", "lake_20240601_water.tif"], "both.tif")
        >>> made.path.name, made.water_pixels
        ('both.tif', 900)
    """
    rasters, path = [location(water) for water in waters], local(out)
    _check_names(rasters, path, rule)
    notes: list[str] = []
    water_pixels = valid_pixels = 0
    with small_cache(), ExitStack() as stack:
        grid, layers = _opened(rasters, rule, stack, notes)
        writer = stack.enter_context(RasterWriter(path, grid, LABEL_LAYOUT, tags=_tags(layers, rule)))
        for block in blocks(grid, _BLOCK_ROWS):
            codes = _RULES[rule](_pieces(layers, block), (int(block.height), int(block.width)))
            water_pixels += int(np.count_nonzero(codes == WATER))
            valid_pixels += int(np.count_nonzero(codes != NO_DATA))
            writer.write(codes[None])
            progress("rows", int(block.row_off + block.height), grid.height)
    write_raster_style(path, LABEL_LAYOUT)
    share = valid_pixels / (grid.width * grid.height)
    if share < _SPARSE_SHARE:
        notes.append(f"{out}: only {share:.2%} of it holds data; check that all rasters are of one place")
    parts = tuple((layer.label.path, layer.day) for layer in layers)
    return Mosaic(path, grid, parts, water_pixels, valid_pixels, tuple(notes))


def _check_names(waters: Sequence[Path], out: Path, rule: Rule) -> None:
    if out.suffix.lower() not in (".tif", ".tiff"):
        raise UsageError(f"{out}: a mosaic is written as a GeoTIFF", hint="give a name that ends in .tif")
    known = set()
    for path in waters:
        if path.resolve() in known:
            raise UsageError(f"{path}: is given twice", hint="give every water raster once")
        known.add(path.resolve())
    check_outputs([out], [*waters, *(map(probability_path, waters) if rule == "most-certain" else ())])
    if not 0 < len(waters) <= _MOST_RASTERS:
        raise UsageError(f"{len(waters)} rasters, a mosaic takes 1 to {_MOST_RASTERS}", hint="put parts together first")


def _opened(waters: Sequence[Path], rule: Rule, stack: ExitStack, notes: list[str]) -> tuple[Grid, list[_Layer]]:
    """The grid of the mosaic, and its rasters open, the first to count first."""
    labels = [stack.enter_context(open_label(path, kind=WATER_RASTER)) for path in waters]
    days = [sensed_on(label.path, label.tags) for label in labels]
    unknown = [label.path for label, day in zip(labels, days, strict=True) if day is None]
    if unknown and rule == "newest":
        others = f" (nor of {len(unknown) - 1} others)" if len(unknown) > 1 else ""
        raise DataError(
            f"{unknown[0]}: nothing says on which day it was seen{others}",
            hint="put the day into its name as 20230601, or into its tags with gdal_edit.py -mo DATE=2023-06-01, "
            "or take --value majority",
        )
    if unknown and len(waters) > 1:
        notes.append(f"{unknown[0]}: nothing says on which day it was seen; of a tie the raster named first decides")
    notes += [label.doubt for label in labels if label.doubt is not None]
    grid, places = union([(label.path, label.own_grid) for label in labels])
    layers = [
        _Layer(
            label, day, stack.enter_context(open_confidence(label, notes)) if rule == "most-certain" else None, place
        )
        for label, day, place in zip(labels, days, places, strict=True)
    ]
    if not unknown:
        layers.sort(key=lambda layer: layer.day or datetime.date.min, reverse=True)
    return grid, layers


def _pieces(layers: Sequence[_Layer], block: Window) -> Iterator[MosaicPart]:
    """What the rasters hold of a block of rows, read one after the other."""
    start, end = int(block.row_off), int(block.row_off + block.height)
    for layer in layers:
        place = layer.place
        top, bottom = max(place.row, start), min(place.bottom, end)
        if top < bottom:
            own = place.own(Window(place.col, top, place.grid.width, bottom - top))
            rows, cols = slice(top - start, bottom - start), slice(place.col, place.right)
            confidence = None if layer.confidence is None else layer.confidence(own)
            yield MosaicPart(rows, cols, layer.label.read(own), confidence)


def _tags(layers: Sequence[_Layer], rule: Rule) -> dict[str, str]:
    """What a mosaic was made of."""
    paths = [layer.label.path for layer in layers]
    tags = {
        "WATERMAP_VERSION": __version__,
        "WATERMAP_MOSAIC": rule,
        "WATERMAP_INPUTS": ", ".join(path.name for path in paths),
        "WATERMAP_INPUT_DIGESTS": ", ".join(identity(path) for path in paths),
    }
    days = sorted(layer.day for layer in layers if layer.day is not None)
    if len(days) == len(layers):
        tags[DATE_TAG] = str(days[0]) if days[0] == days[-1] else f"{days[0]}/{days[-1]}"
    for tag in _KEPT_TAGS:
        notes_given = {layer.label.tags.get(tag) for layer in layers}
        if len(notes_given) == 1 and (text := notes_given.pop()) is not None:
            tags[tag] = text
    return tags
