"""A coarse label, refined by what its scene shows: shores where the index has them, doubt where the two contradict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap import __version__
from watermap.arrays import Codes, Mask
from watermap.bands import Radiometry
from watermap.config import RefineConfig
from watermap.errors import DataError
from watermap.geo.grid import blocks_with_halo
from watermap.geo.pixel_area import code_areas_m2, pixel_size_m
from watermap.io.cog import RasterWriter
from watermap.io.gdal import small_cache
from watermap.io.layouts import LABEL_LAYOUT
from watermap.io.raster import Raster, open_raster
from watermap.io.tags import source_tags
from watermap.labels.index_rule import IndexRule, IndexSamples, Reflectance, sure_pixels
from watermap.labels.shores import beside_shores
from watermap.legend import LAND, NO_DATA, WATER
from watermap.progress import Progress, silent
from watermap.scenes.find import check_outputs
from watermap.scenes.indices import MNDWI, NDWI, WATER_INDICES, NormalisedDifference
from watermap.scenes.label import LABEL_TAG, Label, open_label
from watermap.scenes.neighbourhood import dilate
from watermap.scenes.radiometry import to_reflectance, usual_radiometry

CONFIRMED: Final = 0
MOVED: Final = 1
UNCLEAR: Final = 2
DRY_WATER: Final = 3
WET_LAND: Final = 4
NO_IMAGE: Final = 5
UNKNOWN: Final = 6
KEPT: Final = 7

OUTCOMES: Final[Mapping[int, str]] = {
    KEPT: "far from the shore, kept",
    CONFIRMED: "near the shore, the index says the same",
    MOVED: "near the shore, the index says otherwise: changed",
    UNCLEAR: "near the shore, neither land nor water: unknown",
    DRY_WATER: "far inside water, not wet: unknown",
    WET_LAND: "far from water, wet or beside what is: unknown",
    NO_IMAGE: "the image has no data: unknown",
    UNKNOWN: "unknown to the coarse label",
}
"""What can become of a pixel."""

_RING_M: Final = 200.0
"""How much farther than the shore land shows what this scene's land looks like."""
_FRINGE_M: Final = 20.0
"""Around water that the coarse label lacks: its shore pixels are mixed, and not wet enough to be seen."""
_MIXED_PX: Final = 1
"""How far from wet pixels those lie that hold land and water."""
_LEAST_AGREEMENT: Final = 0.5
_BLOCK_ROWS: Final = 256


@dataclass(frozen=True)
class Refinement:
    """What came of refining a label.

    Attributes:
        path: the refined label, on the image's grid.
        rule: what the index was taken to say.
        shore_px: how far from the coarse shoreline the index decided.
        outcomes: pixels by what became of them, see `OUTCOMES`.
        pixels, areas_m2: of the refined label by code.
        notes: what the user should know.
    """

    path: Path
    rule: IndexRule
    shore_px: int
    outcomes: Mapping[int, int]
    pixels: Mapping[int, int]
    areas_m2: Mapping[int, float]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Distances:
    """How far things reach, in pixels.

    Attributes:
        shore: from the coarse shoreline, where the index decides.
        ring: farther, where land is learnt from.
        fringe: from wet land.
    """

    shore: int
    ring: int
    fringe: int


def refined(
    codes: Codes, bright: Reflectance, dark: Reflectance, valid: Mask, rule: IndexRule, distances: Distances
) -> tuple[Codes, npt.NDArray[np.uint8]]:
    """Refine a coarse label.

    Near its own shoreline a coarse label is only a guess, and the image a good witness: the index decides. Water is
    what is wet, and what is damp beside it, a mixed pixel; damp pixels by themselves are soaked or dark ground, and
    unknown, as are those that are neither damp nor dry. Far from it the coarse label is the better witness, of years
    and by people or many images: the index cannot tell clouds, snow, shadows and dark roofs from water. So there it
    changes nothing into water or land. But where the two contradict each other (a lake that has dried up or is under
    clouds; a pond, a river or a flood that is too small or too young for the coarse label), nobody knows, and a model
    had better not be taught either. Land that is only damp stays land: that dark roofs, soils and shadows are no water
    is what a model must learn.

    Args:
        codes: (rows, cols) of the coarse label on the image's grid.
        bright: (rows, cols) reflectance of the band in which water is brighter.
        dark: of the other.
        valid: (rows, cols), where the image holds data.
        rule: what the index says.
        distances: how far.

    Returns:
        (rows, cols) refined codes, and what became of each pixel.
    """
    value = rule.index(bright, dark)
    wet, damp, dry = value >= rule.wet_from, value >= rule.damp_from, value < rule.dry_below
    wet &= valid
    shown = wet | (damp & dilate(wet, _MIXED_PX, metric="chessboard"))
    land, water = codes == LAND, codes == WATER
    near = beside_shores(codes, distances.shore)
    far_land, far_water = land & ~near, water & ~near
    wet_land = far_land & wet
    outcomes = np.full(codes.shape, KEPT, dtype=np.uint8)
    outcomes[near] = UNCLEAR
    outcomes[near & ((shown & water) | (dry & land))] = CONFIRMED
    outcomes[near & ((shown & land) | (dry & water))] = MOVED
    outcomes[far_water & ~wet] = DRY_WATER
    outcomes[far_land & dilate(wet_land, distances.fringe, metric="chessboard")] = WET_LAND
    outcomes[~valid] = NO_IMAGE
    unknown = codes == NO_DATA
    outcomes[unknown] = UNKNOWN
    result = np.where((outcomes == KEPT) | (outcomes == CONFIRMED), codes, NO_DATA).astype(np.uint8)
    moved = (outcomes == MOVED) & ~unknown
    result[moved] = np.where(land[moved], WATER, LAND)
    return result, outcomes


def refine(
    coarse: Path,
    image: Path,
    out: Path,
    config: RefineConfig = RefineConfig(),  # noqa: B008 (settings are frozen)
    *,
    names: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Refinement:
    """Refine a coarse label by the water index of its own scene, as `refined` says, and write it on the image's grid.

    The scene is read twice: to learn what its sure land and sure water look like (`IndexSamples`), and to decide.
    Memory grows with its width alone.

    Args:
        coarse: a label in watermap's codes, on any grid.
        image: the scene: B3 and B11, or B3 and B8.
        out: the refined label.
        config: which index, how far from the shoreline it decides, and what the image's numbers mean.
        names: of all the image's bands in file order, where it does not describe them.
        tags: metadata of the refined label, beside what it was made of.
        progress: told after every block of rows.

    Raises:
        DataError: label or image cannot be used, do not fit, or hold other numbers than they should; or the label
            cannot be written.
        StorageError: one lies elsewhere and cannot be reached.
        UsageError: the target is the coarse label or the image, or does not lie on this machine.
    """
    check_outputs([out], [coarse, image])
    with ExitStack() as stack:
        stack.enter_context(small_cache())
        raster = stack.enter_context(open_raster(image, names=names))
        label = stack.enter_context(open_label(coarse, raster.grid, image_path=image))
        index = _index(raster, config)
        positions = raster.find(index.bands)
        radiometry = usual_radiometry(raster, positions, offset=config.offset, scale=config.scale)
        distances = _distances(raster, label, config)
        scene = _Scene(raster, label, positions, radiometry)
        rule = _learnt(scene, index, distances, progress)
        made_of = _tags(coarse, image, rule) | dict(tags or {})
        writer = stack.enter_context(RasterWriter(out, raster.grid, LABEL_LAYOUT, tags=made_of))
        outcomes, pixels, areas = _decide(scene, rule, distances, writer, progress)
        notes = (*raster.notes, *_notes(label, rule, image))
    return Refinement(out, rule, distances.shore, outcomes, pixels, areas, notes)


@dataclass(frozen=True)
class _Scene:
    raster: Raster
    label: Label
    positions: tuple[int, ...]
    radiometry: Radiometry

    def blocks(self, px: int) -> Iterator[tuple[Window, slice, Codes, Reflectance, Reflectance, Mask]]:
        """Each block, its rows within what is read around it, and codes, both bands and validity of that."""
        for block, wide, inner in blocks_with_halo(self.raster.grid, _BLOCK_ROWS, px):
            found = self.raster.read(self.positions, wide)
            bright, dark = to_reflectance(found.values, self.radiometry)
            yield block, inner, self.label.read(wide), bright, dark, found.valid


def _learnt(scene: _Scene, index: NormalisedDifference, distances: Distances, progress: Progress) -> IndexRule:
    """What the scene's sure land and sure water say of the rest."""
    samples = IndexSamples(index)
    grid = scene.raster.grid
    for block, inner, codes, bright, dark, valid in scene.blocks(distances.shore + distances.ring):
        land, water = (sure[inner] & valid[inner] for sure in sure_pixels(codes, distances.shore, distances.ring))
        samples.add((land, water), bright[inner], dark[inner])
        progress("rows, to learn", int(block.row_off + block.height), grid.height)
    return samples.rule()


def _decide(
    scene: _Scene, rule: IndexRule, distances: Distances, writer: RasterWriter, progress: Progress
) -> tuple[dict[int, int], dict[int, int], dict[int, float]]:
    """Write the refined label; pixels by fate, and pixels and areas by code."""
    grid = scene.raster.grid
    outcomes, counts, areas = np.zeros(len(OUTCOMES), dtype=np.int64), np.zeros(256, dtype=np.int64), np.zeros(256)
    for block, inner, codes, bright, dark, valid in scene.blocks(distances.shore + distances.fringe):
        label, outcome = (each[inner] for each in refined(codes, bright, dark, valid, rule, distances))
        writer.write(label[None])
        outcomes += np.bincount(outcome.ravel(), minlength=len(OUTCOMES))
        counts += np.bincount(label.ravel(), minlength=256)
        areas += code_areas_m2(label, grid, block)
        progress("rows", int(block.row_off + block.height), grid.height)
    by_code = (LAND, WATER, NO_DATA)
    return (
        {outcome: int(outcomes[outcome]) for outcome in OUTCOMES},
        {code: int(counts[code]) for code in by_code},
        {code: float(areas[code]) for code in by_code},
    )


def _index(raster: Raster, config: RefineConfig) -> NormalisedDifference:
    """The index that was asked for, or the best that the image has the bands of."""
    if config.index != "auto":
        return next(index for index in WATER_INDICES if index.name == config.index)
    found = next((index for index in (MNDWI, NDWI) if set(index.bands) <= set(raster.bands)), None)
    if found is None:
        raise DataError(
            f"{raster.path}: has neither {' and '.join(MNDWI.bands)} nor {' and '.join(NDWI.bands)}",
            hint="name all of its bands in file order with --bands, or give the scene with these bands",
        )
    return found


def _distances(raster: Raster, label: Label, config: RefineConfig) -> Distances:
    """How far things reach in the image's pixels; its own pixels are the least that a coarse shoreline is unsure of."""
    pixel_m = max(pixel_size_m(raster.grid))
    shore_m = max(config.shore_m, max(pixel_size_m(label.own_grid)))
    return Distances(*(max(1, round(metres / pixel_m)) for metres in (shore_m, _RING_M, _FRINGE_M)))


def _notes(label: Label, rule: IndexRule, image: Path) -> list[str]:
    """What makes the refinement doubtful."""
    found = [] if label.doubt is None else [label.doubt]
    if rule.agreement is None:
        found.append(
            f"{image}: too little sure land or water beside each other to learn from, so that {rule.index.name} above "
            f"{rule.wet_from:g} is taken for water"
        )
    elif rule.agreement < _LEAST_AGREEMENT:
        found.append(
            f"{image}: only {rule.agreement:.0%} of what {label.path} is sure of as water is wet by "
            f"{rule.index.name}: do they show one place, and is it free of clouds and ice?"
        )
    return found


def _tags(coarse: Path, image: Path, rule: IndexRule) -> dict[str, str]:
    """What a refined label was made of."""
    tags = {
        "WATERMAP_VERSION": __version__,
        LABEL_TAG: "refined",
        "WATERMAP_INDEX": rule.index.name,
        "WATERMAP_WET_FROM": f"{rule.wet_from:.4f}",
        "WATERMAP_DAMP_FROM": f"{rule.damp_from:.4f}",
        "WATERMAP_DRY_BELOW": f"{rule.dry_below:.4f}",
    }
    for key, path in (("WATERMAP_COARSE_LABEL", coarse), ("WATERMAP_IMAGE", image)):
        tags |= source_tags(key, path)
    return tags
