"""Scenes as they are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from watermap.io.products import SceneFiles
from watermap.scenes.find import find_images


def paths_of_found(inputs: Sequence[str | Path]) -> list[Path]:
    """Where the scenes lie that files, folders and patterns mean."""
    return [scene.path for scene in find_images(inputs)]


def single(paths: Iterable[Path]) -> list[SceneFiles]:
    """Scenes of one file each."""
    return [SceneFiles(path) for path in paths]
