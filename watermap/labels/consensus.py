"""One label of several: what its sources agree on, and unknown where they do not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rasterio.windows import Window

from watermap import __version__
from watermap.arrays import Codes
from watermap.config import ConsensusConfig
from watermap.errors import UsageError
from watermap.geo.grid import Grid, blocks_with_halo
from watermap.geo.pixel_area import code_areas_m2, pixel_size_m
from watermap.io.cog import RasterWriter
from watermap.io.gdal import small_cache
from watermap.io.layouts import LABEL_LAYOUT
from watermap.io.paths import local
from watermap.io.qgis_style import write_raster_style
from watermap.io.tags import source_tags
from watermap.labels.shores import beside_shores
from watermap.legend import LAND, NO_DATA, WATER
from watermap.progress import Progress, silent
from watermap.scenes.find import check_outputs
from watermap.scenes.label import LABEL_TAG, Label, open_label

_BLOCK_ROWS: Final = 512
_SAME_SIZE: Final = 1.1
"""Pixels no larger than so many of the grid's are as fine: of two CRS they are never quite equal."""


@dataclass(frozen=True)
class LabelSource:
    """A label that has a say in a consensus.

    Attributes:
        path: in watermap's codes, on any grid.
        content_m: side of the pixels that it was made with, where its own are finer: 30 for a label of Hansen that
            was resampled to 10 m.
    """

    path: Path
    content_m: float | None = None


@dataclass(frozen=True)
class Consensus:
    """What came of a consensus.

    Attributes:
        path: the label.
        pixels, areas_m2: by code.
        differ: pixels that are unknown because too many sources say otherwise.
        by_shores: pixels that are unknown because too few sources have a say beside their shorelines.
        too_few: pixels that are unknown because too few sources know them.
        bands_px: by source, how far from its shorelines it has no say, in pixels of the grid.
        notes: what the user should know.
    """

    path: Path
    pixels: Mapping[int, int]
    areas_m2: Mapping[int, float]
    differ: int
    by_shores: int
    too_few: int
    bands_px: tuple[int, ...]
    notes: tuple[str, ...]


def agreed(labels_here: Sequence[Codes], agree: int) -> Codes:
    """The code that enough sources say, and more of them than say otherwise; 255 elsewhere.

    Args:
        labels_here: (rows, cols) codes, one array a source; 255 where it has no say.
        agree: how many are enough.
    """
    water, land = (np.sum([codes == code for codes in labels_here], axis=0, dtype=np.int16) for code in (WATER, LAND))
    result = np.full(labels_here[0].shape, NO_DATA, dtype=np.uint8)
    result[(water >= agree) & (water > land)] = WATER
    result[(land >= agree) & (land > water)] = LAND
    return result


def make_consensus(
    sources: Sequence[LabelSource],
    out: Path,
    config: ConsensusConfig = ConsensusConfig(),  # noqa: B008 (settings are frozen)
    *,
    progress: Progress = silent,
) -> Consensus:
    """Write the label that several sources agree on.

    It lies on the grid of the first source: name the finest first, or the one on the image's grid. Each pixel takes
    what the others say at its middle, whatever their grids.

    Which side of its shoreline a pixel of a coarse source lies on is a matter of its pixels, not of the water: a
    source that is coarser than the grid has no say within one of its own pixels of its shorelines. Half a pixel is what
    drawing a shoreline in pixels displaces it by, and Landsat's, of which Hansen and JRC are made, may lie 12 m aside.

    Args:
        sources: two or more.
        out: the label.
        config: how many must agree, and how wide a band around shorelines is unknown.
        progress: told after every block of rows.

    Raises:
        DataError: a source cannot be used, two share no ground, or the label cannot be written.
        StorageError: a source lies elsewhere and cannot be reached.
        UsageError: fewer than two sources, one given twice, more asked to agree than there are, or a target that
            is a source or does not lie on this machine.
    """
    _check(sources, local(out), config)
    agree = len(sources) if config.agree is None else config.agree
    with ExitStack() as stack:
        stack.enter_context(small_cache())
        first = stack.enter_context(open_label(sources[0].path))
        grid = first.own_grid
        others = [stack.enter_context(open_label(each.path, grid, image_path=sources[0].path)) for each in sources[1:]]
        labels = [first, *others]
        bands_px = tuple(_band_px(each, label, grid, config) for each, label in zip(sources, labels, strict=True))
        counts, areas = np.zeros(256, dtype=np.int64), np.zeros(256)
        unknown = np.zeros(3, dtype=np.int64)
        tags = _tags(sources, bands_px, agree)
        writer = stack.enter_context(RasterWriter(out, grid, LABEL_LAYOUT, tags=tags))
        for block, known, labels_here in _sayings(labels, bands_px, grid):
            codes = agreed(labels_here, agree)
            writer.write(codes[None])
            counts += np.bincount(codes.ravel(), minlength=256)
            areas += code_areas_m2(codes, grid, block)
            unknown += _reasons(codes, known, labels_here, agree)
            progress("rows", int(block.row_off + block.height), grid.height)
        notes = [*_notes(sources, labels, grid), *(label.doubt for label in labels if label.doubt is not None)]
    write_raster_style(out, LABEL_LAYOUT)
    pixels = {code: int(counts[code]) for code in (LAND, WATER, NO_DATA)}
    areas_m2 = {code: float(areas[code]) for code in (LAND, WATER, NO_DATA)}
    differ, by_shores, too_few = map(int, unknown)
    return Consensus(out, pixels, areas_m2, differ, by_shores, too_few, bands_px, tuple(notes))


def _check(sources: Sequence[LabelSource], out: Path, config: ConsensusConfig) -> None:
    if len(sources) < 2:
        raise UsageError("a consensus takes two labels or more", hint="name another source")
    paths = [source.path.resolve() for source in sources]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice}: is given twice", hint="a source has one say")
    check_outputs([out], [source.path for source in sources])
    if config.agree is not None and config.agree > len(sources):
        raise UsageError(f"{config.agree} of {len(sources)} sources cannot agree", hint="lower --agree")


def _band_px(source: LabelSource, label: Label, grid: Grid, config: ConsensusConfig) -> int:
    """How far from its shorelines a source has no say, in pixels of the grid."""
    pixel_m = max(pixel_size_m(grid))
    own_m = max(pixel_size_m(label.own_grid))
    ratio = max(own_m, source.content_m or 0.0) / pixel_m
    coarse = math.ceil(ratio - (_SAME_SIZE - 1)) if ratio > _SAME_SIZE else 0
    return max(coarse, config.ignore_shore_px)


def _sayings(
    labels: Sequence[Label], bands_px: Sequence[int], grid: Grid
) -> Iterator[tuple[Window, list[Codes], list[Codes]]]:
    """Blocks of rows, what each source knows there, and what it says once it keeps silent beside its shorelines."""
    for block, wide, inner in blocks_with_halo(grid, _BLOCK_ROWS, max(bands_px)):
        known, labels_here = [], []
        for label, px in zip(labels, bands_px, strict=True):
            around = label.read(wide)
            codes = around[inner]
            known.append(codes)
            labels_here.append(
                np.where(beside_shores(around, px)[inner], NO_DATA, codes).astype(np.uint8) if px else codes
            )
        yield block, known, labels_here


def _reasons(codes: Codes, known: Sequence[Codes], labels_here: Sequence[Codes], agree: int) -> tuple[int, int, int]:
    """How many pixels are unknown because sources differ, because of their shorelines, and because they know too few.

    Sources that say both things where they have a say differ; of the others, those pixels that would be known but for
    the bands around shorelines are the bands'.
    """
    unknown = codes == NO_DATA
    contested = (
        unknown & np.any([c == WATER for c in labels_here], axis=0) & np.any([c == LAND for c in labels_here], axis=0)
    )
    enough = np.sum([c != NO_DATA for c in known], axis=0, dtype=np.int16) >= agree
    by_shores = unknown & ~contested & enough
    return (
        int(np.count_nonzero(contested)),
        int(np.count_nonzero(by_shores)),
        int(np.count_nonzero(unknown & ~contested & ~enough)),
    )


def _notes(sources: Sequence[LabelSource], labels: Sequence[Label], grid: Grid) -> list[str]:
    """Sources that are finer than the grid."""
    pixel_m = max(pixel_size_m(grid))
    sizes = [(source, max(pixel_size_m(label.own_grid))) for source, label in zip(sources, labels, strict=True)]
    return [
        f"{source.path}: its pixels of {own_m:.3g} m are finer than the {pixel_m:.3g} m of {sources[0].path}, whose "
        "grid the label has; name it first to have its grid"
        for source, own_m in sizes[1:]
        if own_m * _SAME_SIZE < pixel_m
    ]


def _tags(sources: Sequence[LabelSource], bands_px: Sequence[int], agree: int) -> dict[str, str]:
    """What a consensus was made of."""
    tags = {"WATERMAP_VERSION": __version__, LABEL_TAG: "consensus", "WATERMAP_AGREE": f"{agree} of {len(sources)}"}
    for number, (source, px) in enumerate(zip(sources, bands_px, strict=True), start=1):
        key = f"WATERMAP_SOURCE_{number}"
        tags |= source_tags(key, source.path) | {f"{key}_BAND_PX": str(px)}
    return tags
