"""Two labels of one place: where they agree, where they do not, and how much of that is only their shorelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rasterio.windows import Window

from watermap.arrays import Codes
from watermap.evaluation.scores import Scores, scores_from_counts
from watermap.geo.grid import Grid
from watermap.io.gdal import small_cache
from watermap.io.paths import local
from watermap.io.tags import source_tags
from watermap.labels.shores import beside_shores
from watermap.legend import LAND, NO_DATA, WATER
from watermap.maps.two_rasters import (
    Pair,
    PairReader,
    PairViews,
    pair_names,
    water_pairs,
    write_areas,
    write_comparison,
)
from watermap.progress import Progress, silent
from watermap.scenes.find import check_outputs
from watermap.scenes.label import Label, open_label

BOTH_WATER: Final = 1
ONLY_FIRST: Final = 2
ONLY_SECOND: Final = 3
EITHER_UNKNOWN: Final = NO_DATA
"""The codes of a raster of disagreement, with `LAND`: land to both."""

DISAGREEMENT_NAMES: Final[Mapping[int, str]] = {
    LAND: "both land",
    BOTH_WATER: "both water",
    ONLY_FIRST: "water in the first only",
    ONLY_SECOND: "water in the second only",
    EITHER_UNKNOWN: "unknown in either",
}

DISAGREEMENT: Final = water_pairs(
    "disagreement of labels", DISAGREEMENT_NAMES, only_first=ONLY_FIRST, only_second=ONLY_SECOND
)
"""What the raster makes of the codes of two labels; its colours are those of a change from the first to the second."""

KNOWN: Final[Mapping[int, str]] = {LAND: "land", WATER: "water", NO_DATA: "unknown"}
"""What each code of a label is called."""

SHORE_PX: Final = (1, 2, 3)
"""How far from the first label's shoreline disagreement is looked for."""


@dataclass(frozen=True)
class LabelComparison:
    """What came of a comparison of two labels.

    Attributes:
        raster, table: the files.
        names: what to call the two.
        grid: of the raster: the first label's.
        pixels, areas_m2: by the codes of the first label and of the second.
        near_shore: pixels of disagreement by how far they lie at most from the first label's shoreline, see
            `SHORE_PX`.
        views: for a picture.
        notes: what the user should know.
    """

    raster: Path
    table: Path
    names: tuple[str, str]
    grid: Grid
    pixels: Mapping[Pair, int]
    areas_m2: Mapping[Pair, float]
    near_shore: Mapping[int, int]
    views: PairViews
    notes: tuple[str, ...]

    @property
    def differing(self) -> int:
        """Pixels that are land to one and water to the other."""
        return self.pixels[LAND, WATER] + self.pixels[WATER, LAND]

    @property
    def scores(self) -> Scores:
        """Agreement over the pixels that both know, the first taken for the truth."""
        return scores_from_counts([[self.pixels[a, b] for b in (LAND, WATER)] for a in (LAND, WATER)])


def compare_labels(first: Path, second: Path, out: Path, *, progress: Progress = silent) -> LabelComparison:
    """Compare two labels on the first one's grid, and write a raster of disagreement, its style and a table.

    A pixel of the first is compared with the pixel of the second that holds its middle, whatever the second's grid
    and CRS; where the second does not reach it is unknown. Memory grows with the first one's width alone.

    Disagreement beside a shoreline is what pixels that hold land and water must give, and what labels of different
    pixel sizes must give; disagreement far from it is a fault of one of the two.

    Args:
        first: a label in watermap's codes.
        second: another.
        out: the folder of the results, named `FIRST_vs_SECOND_disagreement`.
        progress: told after every block of rows.

    Raises:
        DataError: a label cannot be used, the two share no ground, or a result cannot be written.
        StorageError: a label lies elsewhere and cannot be reached.
        UsageError: both are one file, the raster would replace one, or `out` does not lie on this machine.
    """
    names = pair_names(first, second, otherwise=("first", "second"), hint="give two labels of one place")
    raster = local(out) / f"{names[0]}_vs_{names[1]}_disagreement.tif"
    check_outputs([raster], [first, second])
    near = dict.fromkeys(SHORE_PX, 0)
    with small_cache(), open_label(first) as one:
        grid = one.own_grid
        with open_label(second, grid, image_path=first) as other:
            notes = tuple(label.doubt for label in (one, other) if label.doubt is not None)
            found = write_comparison(
                raster,
                grid,
                _reader(one, other, near),
                DISAGREEMENT,
                tags=source_tags("WATERMAP_FIRST", first) | source_tags("WATERMAP_SECOND", second),
                halo_px=max(SHORE_PX),
                progress=progress,
            )
    rows = [
        ((KNOWN[a], KNOWN[b], DISAGREEMENT.code((a, b))), count, found.areas_m2[a, b])
        for (a, b), count in found.pixels.items()
    ]
    table = write_areas(raster.with_suffix(".csv"), ("first", "second", "code"), rows)
    return LabelComparison(raster, table, names, grid, found.pixels, found.areas_m2, near, found.views, notes)


def _reader(one: Label, other: Label, near: dict[int, int]) -> PairReader:
    """Reads both, and counts on the way the pixels that differ near the first one's shores."""

    def read(block: Window, wide: Window, inner: slice) -> tuple[Codes, Codes]:
        around = one.read(wide)
        first, second = around[inner], other.read(block)
        differs = (first != second) & (first != NO_DATA) & (second != NO_DATA)
        for px in near:
            near[px] += int(np.count_nonzero(beside_shores(around, px)[inner] & differs))
        return first, second

    return read
