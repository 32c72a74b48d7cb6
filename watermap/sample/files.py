"""Sample scenes as files: one folder a scene, laid out like a downloaded one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from watermap.bands import STANDARD_BANDS
from watermap.cog import LABEL_LAYOUT, image_layout, write_raster
from watermap.config import SampleConfig
from watermap.progress import Progress, silent
from watermap.sample.scene import SampleScene, make_scene

VISITS: Final = 2
"""Dates of each place: consecutive scenes show the same ground twice."""


def write_samples(out: Path, config: SampleConfig, *, progress: Progress | None = None) -> list[Path]:
    """Make sample scenes and write each to its own folder.

    A folder holds `image.tif` (six bands, uint16 reflectance x 10,000, no data 65535), `label.tif` (exact) and
    `label_coarse.tif` (as an older 30 m map would have it; 0 land, 1 water, 255 unknown in both).

    Args:
        out: folder of scenes; it is made.
        config: how many, how large, which seed.
        progress: told after each scene.

    Returns:
        The folders of the scenes, in order.

    Raises:
        DataError: a file cannot be written.
    """
    report = progress or silent
    folders = []
    for number in range(config.scenes):
        place, visit = divmod(number, VISITS)
        scene = make_scene(config.seed, size=config.size, place=config.first_place + place, visit=visit)
        folders.append(_write(out, scene, config))
        report(f"scene {scene.name}", number + 1, config.scenes)
    return folders


def _write(out: Path, scene: SampleScene, config: SampleConfig) -> Path:
    folder = out / scene.name
    tags = {
        "WATERMAP_SOURCE": "synthetic sample scene",
        "WATERMAP_SEED": str(config.seed),
        "DATE": scene.date,
    }
    for name, label in (("label.tif", scene.label), ("label_coarse.tif", scene.coarse_label)):
        write_raster(folder / name, label[None], scene.grid, LABEL_LAYOUT, tags=tags)
    # The image comes last: a folder that has one is complete.
    write_raster(folder / "image.tif", scene.image, scene.grid, image_layout(STANDARD_BANDS), tags=tags)
    return folder
