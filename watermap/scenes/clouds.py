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

from watermap.arrays import Codes
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid
from watermap.io.paths import location
from watermap.io.products import CLASSES, SceneFiles
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.label import CodesKind, Label, open_label

Clouds = Path | Literal["scl"]
"""A mask that is not 0 under clouds, on any grid, or the scene's own classification."""

OWN: Final[Literal["scl"]] = "scl"

_NAMED_SCL: Final = re.compile(rf"(^|[^a-z0-9]){CLASSES}(_\d+m)?$", re.IGNORECASE)
_MASK: Final = CodesKind("cloud mask", "not known", "keep the band of clouds", "give one that is not 0 under clouds")

_SCL_CLOUDS: Final = (3, 8, 9, 10)
"""Shadow of a cloud, cloud of medium and of high probability, thin cirrus.

Source: Sentinel-2 Products Specification Document, scene classification of level 2A.
"""


def clouds_of(text: str | Path | None, *, scenes: int = 1) -> Clouds | None:
    """What a user names as clouds: `scl`, or the path or URL of a mask; None where nothing is named.

    Args:
        text: what is named.
        scenes: how many are mapped.

    Raises:
        UsageError: one mask is named for several scenes.
    """
    if text is None:
        return None
    if str(text).lower() == OWN:
        return OWN
    if scenes > 1:
        raise UsageError(
            f"--clouds is of one scene, but {scenes} are given", hint="map them one by one, or give --clouds scl"
        )
    return location(text)


class CloudMask:
    """An open cloud mask, seen on its scene's grid. Made by `open_clouds`.

    It is read as a label is: what is cloud has the code of water.

    Attributes:
        path: the file.
        untold: pixels read so far of which it does not say whether they are cloud.
    """

    def __init__(self, path: Path, label: Label) -> None:
        self.path = path
        self.untold = 0
        self._label = label

    @property
    def note(self) -> str | None:
        """What the user should know of the pixels read so far."""
        return (
            f"{self.path}: does not tell {self.untold:,} pixels of the scene; they count as clear"
            if self.untold
            else None
        )

    def read(self, window: Window) -> npt.NDArray[np.bool_]:
        """Where a window (rows, cols) of the scene shows clouds; what the mask does not tell is clear.

        Raises:
            DataError: the file is damaged.
            StorageError: it lies elsewhere and can no longer be reached.
        """
        codes = self._label.read(window)
        self.untold += int(np.count_nonzero(codes == NO_DATA))
        cloudy: npt.NDArray[np.bool_] = codes == WATER
        return cloudy


@contextmanager
def open_clouds(clouds: Clouds, grid: Grid, scene: SceneFiles) -> Iterator[CloudMask]:
    """Open the cloud mask of a scene.

    A file whose name ends in SCL, or SCL and its pixel size, is read as a classification, not as a mask: not all that
    it holds is cloud.

    Args:
        clouds: a mask, or `scl`.
        grid: the scene's.
        scene: its files.

    Raises:
        DataError: the scene holds no classification, or the mask cannot be used for it.
        StorageError: it lies elsewhere and cannot be reached.
    """
    path = _classes(scene) if clouds == OWN else clouds
    meaning = _scl_clouds if _NAMED_SCL.search(path.stem) else _not_zero
    with open_label(path, grid, image_path=scene.path, codes=meaning, kind=_MASK) as label:
        yield CloudMask(path, label)


def _scl_clouds(values: npt.NDArray[Any]) -> Codes:
    return np.where(np.isin(values, _SCL_CLOUDS), WATER, LAND).astype(np.uint8)


def _not_zero(values: npt.NDArray[Any]) -> Codes:
    return np.where(values == 0, LAND, WATER).astype(np.uint8)


def _classes(scene: SceneFiles) -> Path:
    if scene.classes is None:
        raise DataError(
            f"{scene}: holds no scene classification (SCL)", hint="give --clouds MASK.tif, or an L2A product as a whole"
        )
    return scene.classes
