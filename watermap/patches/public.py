"""Scenes to patches in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from watermap.bands import parse_bands
from watermap.config import TileConfig
from watermap.io.paths import local, location
from watermap.patches import tile as tiling
from watermap.patches.tile import TileSummary
from watermap.progress import Progress, silent


def tile(
    scenes: str | Path,
    out: str | Path,
    *,
    scene_bands: Sequence[str] | None = None,
    config: str | Path | None = None,
    progress: Progress = silent,
    **options: Any,
) -> TileSummary:
    """Cut labelled scenes into training, validation and test patches that never share ground.

    Args:
        scenes: a folder of NAME/image.tif with NAME/label.tif.
        out: the folder of the patches; made anew unless nothing has changed.
        scene_bands: names of all bands of the images in file order, where the files do not name them.
        config: a TOML file with a table `tile`; options win.
        progress: told after every scene.
        options: settings of `watermap.config.TileConfig`: bands, patch_size, min_water, max_water, density ...

    Raises:
        DataError: no scene can be used, no patch passes, or there is too little ground to split.
        StorageError: the scenes' store cannot be reached for now; what is there stays.
        UsageError: a setting is unknown or out of bounds, or `out` is something else than patches.

    Example:
        >>> import watermap
        >>> six = ["B2", "B3", "B4", "B8", "B11", "B12"]
        >>> made = watermap.tile("scenes", "patches", bands=six, patch_size=32, density=0.5)
        >>> sorted(made.counts)
        ['test', 'train', 'validation']
        >>> made.failures
        ()
    """
    if options.get("bands") is not None:
        options["bands"] = parse_bands(",".join(options["bands"]))
    settings = TileConfig.load(None if config is None else location(config), section="tile", **options)
    return tiling.tile(location(scenes), local(out), settings, names=scene_bands, progress=progress)
