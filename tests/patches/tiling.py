"""Settings and files of tiling in tests."""

from __future__ import annotations

from pathlib import Path

from watermap.bands import TRUE_COLOR
from watermap.config import TileConfig

SMALL = TileConfig(patch_size=32, bands=TRUE_COLOR, block_patches=2, min_water=0.2, max_water=0.8)


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but the index, whose header holds the time of writing."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".gpkg"}
