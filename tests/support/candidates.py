"""Bundles that are compared, and the ground on which they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_scene
from watermap.bundles.bundle import Bundle


def fair(models: Path, name: str = "fair", **contract: Any) -> Bundle:
    """One that is right about half the time."""
    return make_bundle(models / name, **contract)


def wrong(models: Path, name: str = "wrong") -> Bundle:
    """One that is worse."""
    return make_bundle(models / name, green_above=1000.0)


def write_held_out(folder: Path) -> Path:
    """Two scenes on which they differ."""
    write_scene(folder, "a", make_grid(64, 64), seed=1)
    write_scene(folder, "b", make_grid(64, 64, left=700_000), seed=2)
    return folder
