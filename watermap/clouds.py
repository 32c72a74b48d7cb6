"""Where a scene shows clouds instead of ground: by a mask, or by the classification that its product holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.bandfiles import CLASSES, find_band_files
from watermap.codes import LAND, WATER
from watermap.errors import DataError
from watermap.grid import Grid
from watermap.labels import Label, open_label

Clouds = Path | Literal["scl"]
"""A mask that is not 0 under clouds, on any grid, or the scene's own classification."""

OWN: Final[Literal["scl"]] = "scl"

_MASK_CODES: Final = {value: LAND if value == 0 else WATER for value in range(256)}
"""A mask is read as a label is: what is cloud has the code of water."""
_SCL_CLOUDS: Final = frozenset({3, 8, 9, 10})
"""Shadow of a cloud, cloud of medium and of high probability, thin cirrus.

Source: Sentinel-2 Products Specification Document, scene classification of level 2A.
"""
_SCL_CODES: Final = {value: WATER if value in _SCL_CLOUDS else LAND for value in range(256)}


class CloudMask:
    """An open cloud mask, seen on its scene's grid. Made by `open_clouds`.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, label: Label) -> None:
        self.path = path
        self._label = label

    def read(self, window: Window) -> npt.NDArray[np.bool_]:
        """Where a window (rows, cols) of the scene shows clouds; what the mask does not tell is none.

        Raises:
            DataError: the file is damaged.
            StorageError: it lies elsewhere and can no longer be reached.
        """
        cloudy: npt.NDArray[Any] = self._label.read(window) == WATER
        return cloudy


@contextmanager
def open_clouds(clouds: Clouds, grid: Grid, scene: Path) -> Iterator[CloudMask]:
    """Open the cloud mask of a scene.

    A file whose name says SCL is read as a classification, not as a mask: not all that it holds is cloud.

    Args:
        clouds: a mask, or `scl`.
        grid: the scene's.
        scene: its file or folder.

    Raises:
        DataError: the scene holds no classification, or the mask cannot be used for it.
        StorageError: it lies elsewhere and cannot be reached.
    """
    path = _classes(scene) if clouds == OWN else Path(clouds)
    is_scl = CLASSES in re.split(r"[^a-z0-9]+", path.stem.lower())
    with open_label(path, grid, image_path=scene, codes=_SCL_CODES if is_scl else _MASK_CODES) as label:
        yield CloudMask(path, label)


def _classes(scene: Path) -> Path:
    found = find_band_files(scene)
    if found is None or found.classes is None:
        raise DataError(
            f"{scene}: holds no scene classification (SCL)", hint="give --clouds MASK.tif, or an L2A product as a whole"
        )
    return found.classes
