"""A look over scenes before they are cut: what their files say, and which patches pass where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import Codes
from watermap.bands import REFLECTANCE_SCALE, Radiometry, canonical_name
from watermap.config import TileConfig
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.raster import Pixels, Raster, open_raster
from watermap.legend import NO_DATA, WATER
from watermap.patches.blocks import Block, Box, Site
from watermap.patches.select import Selection, passing, random_starts, regular_starts
from watermap.scenes.folder import Scene, missing_label
from watermap.scenes.label import Label, open_label

_INFRARED: Final = ("B8", "B11", "B12")
_DARK_PERCENTILE: Final = 1.0
_DARK_PIXELS: Final = 100
_RAISED_REFLECTANCE: Final = 0.09
"""The darkest water is near 0.02; the offset of processing baseline 04.00 adds 0.1."""


@dataclass(frozen=True)
class Source:
    """A scene with a label, and what its files say.

    Attributes:
        name: of the scene.
        image, label: its files.
        names: of the image's bands in file order, where the user states them.
        grid: of the image.
        dtype: of the image.
        bands: canonical names of all its bands.
        used: those of the patches' bands that it has, in their order.
        radiometry: what the file says of its numbers, or None.
        hides_land: whether the label's file says that 0, land, is no data.
    """

    name: str
    image: Path
    label: Path
    names: Sequence[str] | None
    grid: Grid
    dtype: np.dtype[Any]
    bands: frozenset[str | None]
    used: tuple[str, ...]
    radiometry: Radiometry | None
    hides_land: bool

    @contextmanager
    def open(self) -> Iterator[tuple[Raster, Label]]:
        """The image and its label."""
        with (
            open_raster(self.image, names=self.names) as raster,
            open_label(self.label, raster.grid, image_path=self.image) as label,
        ):
            yield raster, label


@dataclass(frozen=True)
class SceneBlock:
    """One scene's pixels inside one block, and the patches that pass there.

    Attributes:
        source: the scene.
        block: the block.
        box: the scene's pixels in it.
        regular: patches of the regular grid.
        random: patches at random corners.
    """

    source: Source
    block: Block
    box: Box
    regular: Selection
    random: Selection


@dataclass(frozen=True)
class Findings:
    """What was seen of one scene's pixels.

    Attributes:
        scene_blocks: its parts, one for each block of ground.
        dark: the dark end of its water in DN; None where it shows too little water.
        tally: patches tried, and why patches failed.
    """

    scene_blocks: list[SceneBlock]
    dark: float | None
    tally: Counter[str]


def describe(scene: Scene, bands: Sequence[str], optional: Sequence[str], names: Sequence[str] | None) -> Source:
    """What a scene's files say.

    Args:
        scene: with a label.
        bands: those of the patches.
        optional: those of them that it may lack, but not all.
        names: of all the image's bands in file order, where the user states them.

    Raises:
        DataError: a file cannot be used, a band is missing, or image and label do not fit.
    """
    if scene.label is None:
        raise missing_label(scene)
    with (
        open_raster(scene.image, names=names) as raster,
        open_label(scene.label, raster.grid, image_path=scene.image) as label,
    ):
        used = raster.present(bands, optional) or tuple(bands)  # what is missing is told by `find`
        return Source(
            name=scene.name,
            image=scene.image,
            label=scene.label,
            names=names,
            grid=raster.grid,
            dtype=raster.dtype,
            bands=frozenset(canonical_name(text) if text else None for text in raster.names),
            used=used,
            radiometry=raster.radiometry(raster.find(used)),
            hides_land=label.hides_land,
        )


def agreed_radiometry(sources: Sequence[Source], config: TileConfig) -> Radiometry:
    """What the numbers of all scenes mean: as the settings state, else as their files say, else reflectance x 10,000.

    Raises:
        DataError: two files say different things, and the settings do not say which is right.
    """
    found = [_stated(source.radiometry or Radiometry(REFLECTANCE_SCALE, 0.0), config) for source in sources]
    for source, other in zip(sources, found, strict=True):
        if not np.allclose((found[0].scale, found[0].offset), (other.scale, other.offset), rtol=1e-6):
            raise DataError(
                f"{sources[0].image} means reflectance = (DN + {found[0].offset:g}) * {found[0].scale:g}, "
                f"but {source.image} means (DN + {other.offset:g}) * {other.scale:g}",
                hint="convert one of them, tile them apart, or state what is right for all with --offset and --scale",
            )
    return found[0]


def _stated(found: Radiometry, config: TileConfig) -> Radiometry:
    scale = found.scale if config.scale is None else config.scale
    return Radiometry(scale, found.offset if config.offset is None else config.offset)


def survey(source: Source, *, sites: Mapping[str, Site], config: TileConfig) -> Findings:
    """Read a scene block by block and find what passes there.

    Args:
        source: the scene.
        sites: where each scene lies, by name.
        config: settings.

    Raises:
        DataError: image or label are damaged, or the label holds unknown codes.
    """
    scene_blocks: list[SceneBlock] = []
    darkest: list[float] = []
    tally: Counter[str] = Counter()
    with source.open() as (raster, label):
        positions = raster.find(source.used)
        for block in sites[source.name].blocks(source.grid):
            box = block.box(source.grid)
            if box is None:
                continue
            regular = regular_starts(box, config.patch_size)
            name = f"{source.name}/{block.name}"
            scattered = random_starts(box, config.patch_size, density=config.density, seed=config.seed, name=name)
            regular, scattered = (
                starts[block.contains(source.grid, starts, config.patch_size)] for starts in (regular, scattered)
            )
            if not len(regular) and not len(scattered):
                continue
            pixels, codes = read_box(raster, label, positions, box)
            passed = [passing(starts, codes, box, config, tally) for starts in (regular, scattered)]
            scene_blocks.append(SceneBlock(source, block, box, *passed))
            water = pixels.values[:, codes == WATER]
            if water.shape[1] >= _DARK_PIXELS:
                darkest.append(float(np.percentile(water, _DARK_PERCENTILE, axis=1).min()))
    return Findings(scene_blocks, min(darkest, default=None), tally)


def read_box(raster: Raster, label: Label, positions: Sequence[int], box: Box) -> tuple[Pixels, Codes]:
    """A box of a scene: pixels (bands, rows, cols), and codes (rows, cols) that are 255 where there is no image."""
    pixels = raster.read(positions, box.window)
    codes: npt.NDArray[np.uint8] = label.read(box.window)
    codes[~pixels.valid] = NO_DATA
    return pixels, codes


def notes(
    sources: Sequence[Source], bands: Sequence[str], dark: Mapping[str, float], radiometry: Radiometry
) -> list[str]:
    """What the user may want to know of scenes that were tiled.

    Args:
        sources: the scenes.
        bands: those of the patches.
        dark: dark end of each scene's water in DN.
        radiometry: what the numbers mean.
    """
    found = []
    unused = [band for band in _INFRARED if band not in bands and all(band in source.bands for source in sources)]
    if unused:
        found.append(
            f"all scenes also hold {', '.join(unused)}, which show water best: "
            f"--bands {','.join([*bands, *unused])} would use them"
        )
    raised = [
        name for name, value in dark.items() if (value + radiometry.offset) * radiometry.scale >= _RAISED_REFLECTANCE
    ]
    if raised and len(raised) < len(dark):
        found.append(
            f"water in {listed(raised)} is about 1000 DN brighter than in the other scenes: the offset of processing "
            "baseline 04.00 may be left in; do not mix such scenes"
        )
    elif raised:
        found.append(
            f"water in {listed(raised)} is about 1000 DN brighter than usual: the offset of processing baseline 04.00 "
            "may be left in; if so, tile with --offset -1000"
        )
    hidden = [source.name for source in sources if source.hides_land]
    if hidden:
        found.append(f"the label of {listed(hidden)} says that 0 is no data, so its land counts as unknown")
    return found


def listed(names: Sequence[str]) -> str:
    """Names for a message, at most three."""
    shown = ", ".join(sorted(names)[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
