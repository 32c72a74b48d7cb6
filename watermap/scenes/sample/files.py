"""Sample scenes as files: one folder a scene, laid out like an exported one."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watermap import __version__
from watermap.bands import STANDARD_BANDS
from watermap.config import SampleConfig
from watermap.io.cog import write_raster
from watermap.io.layouts import LABEL_LAYOUT, image_layout
from watermap.progress import Progress, silent
from watermap.scenes.sample.scene import SampleScene, make_scene, scene_name
from watermap.scenes.stac import SceneFacts, verified, write_catalog, write_item
from watermap.scenes.synthetic import EXACT, SOURCE_TAG, SYNTHETIC

VISITS: Final = 2
"""Dates of each place: consecutive scenes show the same ground twice."""

COARSE_FILE: Final = "label_coarse.tif"


@dataclass(frozen=True)
class SampleFolder:
    """One sample scene on disk.

    Attributes:
        path: its folder.
        is_new: whether it was made now; one that is there and whole is kept.
    """

    path: Path
    is_new: bool


def write_samples(out: Path, config: SampleConfig, *, progress: Progress = silent) -> list[SampleFolder]:
    """Make sample scenes and write each to its own folder, with a STAC catalog of all.

    A folder holds `image.tif` (six bands, uint16 reflectance x 10,000, no data 65535), `label.tif` (exact),
    `label_coarse.tif` (as an older 30 m map would have it; 0 land, 1 water, 255 unknown in both) and `item.json`.

    Args:
        out: folder of scenes; it is made.
        config: how many, how large, which seed.
        progress: told after each scene.

    Returns:
        The folders of the scenes, in order.

    Raises:
        DataError: a file cannot be written.
    """
    folders = []
    for number in range(config.scenes):
        place, visit = divmod(number, VISITS)
        folders.append(_write_once(out, config, config.first_place + place, visit))
        progress(f"scene {folders[-1].path.name}", number + 1, config.scenes)
    write_catalog(out)
    return folders


def _write_once(out: Path, config: SampleConfig, place: int, visit: int) -> SampleFolder:
    folder = out / scene_name(config.seed, place=place, visit=visit)
    made_from = f"{__version__} seed {config.seed} size {config.size} place {place} visit {visit}"
    request = f"sample-{hashlib.sha256(made_from.encode()).hexdigest()[:24]}"
    if verified(folder) == {"image": request, "label": request} and (folder / COARSE_FILE).is_file():
        return SampleFolder(folder, is_new=False)
    _write(folder, make_scene(config.seed, size=config.size, place=place, visit=visit), config, request)
    return SampleFolder(folder, is_new=True)


def _write(folder: Path, scene: SampleScene, config: SampleConfig, request: str) -> None:
    tags = {SOURCE_TAG: SYNTHETIC, "WATERMAP_SEED": str(config.seed), "DATE": scene.date}
    for name, label in (("label.tif", scene.label), (COARSE_FILE, scene.coarse_label)):
        write_raster(folder / name, label[None], scene.grid, LABEL_LAYOUT, tags=tags)
    write_raster(folder / "image.tif", scene.image, scene.grid, image_layout(STANDARD_BANDS), tags=tags)
    sensed = datetime.datetime.fromisoformat(f"{scene.date}T10:10:00+00:00")
    facts = SceneFacts((sensed, sensed), SYNTHETIC, None, EXACT, SYNTHETIC, {"image": request, "label": request})
    write_item(folder, scene.name, facts)  # last: a folder whose item verifies is complete
