"""Two labels of one place: where they agree, where they do not, and how much of that is only their shorelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from watermap import __version__
from watermap.arrays import Codes
from watermap.errors import UsageError
from watermap.evaluation.scores import Scores, scores_from_counts
from watermap.geo.grid import Grid, blocks_with_halo
from watermap.geo.pixel_area import code_areas_m2
from watermap.io.cog import RasterWriter
from watermap.io.files import identity
from watermap.io.gdal import small_cache
from watermap.io.layouts import RasterLayout
from watermap.io.paths import local
from watermap.io.qgis_style import write_raster_style
from watermap.io.tables import write_csv
from watermap.labels.shores import beside_shores
from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS, Rgba
from watermap.progress import Progress, silent
from watermap.scenes.find import check_outputs, distinguishing_folders
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

DISAGREEMENT_COLORS: Final[Mapping[int, Rgba]] = {
    LAND: WATER_COLORS[LAND],
    BOTH_WATER: WATER_COLORS[WATER],
    ONLY_FIRST: (213, 94, 0, 255),
    ONLY_SECOND: (0, 190, 110, 255),
    EITHER_UNKNOWN: WATER_COLORS[NO_DATA],
}
"""As in a water raster, and those of a raster of change, as if the first were the earlier."""

DISAGREEMENT_LAYOUT: Final = RasterLayout(
    "uint8",
    ("disagreement of labels",),
    EITHER_UNKNOWN,
    "nearest",
    DISAGREEMENT_COLORS,
    classes={code: name for code, name in DISAGREEMENT_NAMES.items() if code != EITHER_UNKNOWN},
)

KNOWN: Final[Mapping[int, str]] = {LAND: "land", WATER: "water", NO_DATA: "unknown"}
"""What each code of a label is called."""

SHORE_PX: Final = (1, 2, 3)
"""How far from the first label's shoreline disagreement is looked for."""

_ORDER: Final = (LAND, WATER, NO_DATA)
_SIDE_PIXELS: Final = 700
"""A picture shows no more of a raster's longer side."""
_BLOCK_ROWS: Final = 512


@dataclass(frozen=True)
class LabelViews:
    """Every so many-th pixel of what was compared, for a picture.

    Attributes:
        first, second: (rows, cols) codes of the labels.
        disagreement: (rows, cols) codes of the raster of disagreement.
        step: pixels from one that is shown to the next.
    """

    first: Codes
    second: Codes
    disagreement: Codes
    step: int


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
    pixels: Mapping[tuple[int, int], int]
    areas_m2: Mapping[tuple[int, int], float]
    near_shore: Mapping[int, int]
    views: LabelViews
    notes: tuple[str, ...]

    @property
    def differing(self) -> int:
        """Pixels that are land to one and water to the other."""
        return self.pixels[LAND, WATER] + self.pixels[WATER, LAND]

    @property
    def scores(self) -> Scores:
        """Agreement over the pixels that both know, the first taken for the truth."""
        return scores_from_counts([[self.pixels[a, b] for b in (LAND, WATER)] for a in (LAND, WATER)])

    def of(self, code: int) -> tuple[int, float]:
        """Pixels and area in m2 of a code of the raster of disagreement."""
        cases = [case for case in self.pixels if _CODE_OF[case] == code]
        return sum(self.pixels[case] for case in cases), sum(self.areas_m2[case] for case in cases)


_CODE_OF: Final[Mapping[tuple[int, int], int]] = {
    (a, b): EITHER_UNKNOWN for a in _ORDER for b in _ORDER if NO_DATA in (a, b)
} | {(LAND, LAND): LAND, (WATER, WATER): BOTH_WATER, (WATER, LAND): ONLY_FIRST, (LAND, WATER): ONLY_SECOND}


def disagreement(first: Codes, second: Codes) -> Codes:
    """Codes of disagreement: 0 both land, 1 both water, 2 water in the first only, 3 in the second only, else 255.

    Args:
        first: (rows, cols) codes of a label.
        second: those of the other.
    """
    table = np.array([_CODE_OF[a, b] for a in _ORDER for b in _ORDER], dtype=np.uint8)
    found: Codes = table[_cases(first, second)]
    return found


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
    names = _names(first, second)
    raster = local(out) / f"{names[0]}_vs_{names[1]}_disagreement.tif"
    check_outputs([raster], [first, second])
    with small_cache(), open_label(first) as one:
        grid = one.own_grid
        with open_label(second, grid, image_path=first) as other:
            notes = [label.doubt for label in (one, other) if label.doubt is not None]
            with RasterWriter(raster, grid, DISAGREEMENT_LAYOUT, tags=_tags(first, second)) as writer:
                counts, areas, near, views = _stream(one, other, grid, writer, progress)
    write_raster_style(raster, DISAGREEMENT_LAYOUT)
    cases = [(a, b) for a in _ORDER for b in _ORDER]
    pixels = {case: int(counts[number]) for number, case in enumerate(cases)}
    areas_m2 = {case: float(areas[number]) for number, case in enumerate(cases)}
    table = raster.with_suffix(".csv")
    write_csv(
        table,
        ("first", "second", "code", "pixels", "km2"),
        (
            [KNOWN[a], KNOWN[b], _CODE_OF[a, b], count, f"{areas_m2[a, b] / 1e6:.6f}"]
            for (a, b), count in pixels.items()
        ),
    )
    return LabelComparison(raster, table, names, grid, pixels, areas_m2, near, views, tuple(notes))


def _stream(
    one: Label, other: Label, grid: Grid, writer: RasterWriter, progress: Progress
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], dict[int, int], LabelViews]:
    """Compare block by block: pixels and areas of each case, disagreement near shores, every so many-th pixel."""
    counts, areas = np.zeros(len(_ORDER) ** 2, dtype=np.int64), np.zeros(len(_ORDER) ** 2)
    near = dict.fromkeys(SHORE_PX, 0)
    step = -(-max(grid.shape) // _SIDE_PIXELS)
    kept: list[list[Codes]] = [[], [], []]
    for block, wide, inner in blocks_with_halo(grid, _BLOCK_ROWS, max(SHORE_PX)):
        around = one.read(wide)
        first, second = around[inner], other.read(block)
        cases = _cases(first, second)
        codes = disagreement(first, second)
        writer.write(codes[None])
        counts += np.bincount(cases.ravel(), minlength=len(counts))
        areas += code_areas_m2(cases, grid, block)[: len(areas)]
        differs = (codes == ONLY_FIRST) | (codes == ONLY_SECOND)
        for px in SHORE_PX:
            near[px] += int(np.count_nonzero(beside_shores(around, px)[inner] & differs))
        start = -block.row_off % step
        for rows, values in zip(kept, (first, second, codes), strict=True):
            rows.append(values[start::step, ::step].copy())
        progress("rows", int(block.row_off + block.height), grid.height)
    first, second, codes = (np.concatenate(rows) for rows in kept)
    views = LabelViews(first, second, codes, step)
    return counts, areas, near, views


def _cases(first: Codes, second: Codes) -> npt.NDArray[np.uint8]:
    """Which of the nine cases each pixel is: thrice the place of the first code in the order, plus the second's."""
    place = np.zeros(256, dtype=np.uint8)
    place[list(_ORDER)] = np.arange(len(_ORDER), dtype=np.uint8)
    cases: npt.NDArray[np.uint8] = place[first] * np.uint8(len(_ORDER)) + place[second]
    return cases


def _names(first: Path, second: Path) -> tuple[str, str]:
    """What two labels are called: their names, or the nearest folders' that tell them apart."""
    if first.resolve() == second.resolve():
        raise UsageError(f"{first}: is given twice", hint="give two labels of one place")
    if first.stem != second.stem:
        return first.stem, second.stem
    return distinguishing_folders(first, second) or ("first", "second")


def _tags(first: Path, second: Path) -> dict[str, str]:
    """What a raster of disagreement was made of."""
    tags = {"WATERMAP_VERSION": __version__}
    for key, path in (("WATERMAP_FIRST", first), ("WATERMAP_SECOND", second)):
        kind, _, value = identity(path).partition(":")
        tags |= {key: path.name, f"{key}_{kind.upper()}": value}
    return tags
