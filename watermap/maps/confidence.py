"""How certain a water raster is of each pixel, by the probability raster beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.errors import DataError
from watermap.io.gdal import read_from
from watermap.io.raster import open_raster
from watermap.prediction.provenance import THRESHOLD_TAG, contradiction
from watermap.scenes.label import Label

Confidence = npt.NDArray[np.float32]
"""(rows, cols): how far the probability of water is from the threshold, in [0, 1]."""
ConfidenceReader = Callable[[Window], Confidence]
"""Reads a window of a water raster's own pixels."""

_USUAL_THRESHOLD: Final = 0.5
_ALL_PERCENT: Final = 100


def probability_path(water: Path) -> Path:
    """Where the probability raster of a water raster lies: `NAME_probability.tif` beside `NAME_water.tif`."""
    return water.parent / f"{water.stem.removesuffix('_water')}_probability{water.suffix}"


@contextmanager
def open_confidence(water: Label, notes: list[str]) -> Iterator[ConfidenceReader]:
    """Open the probability raster beside a water raster, in whole percent or float, to be read as certainty.

    Where it holds no data the certainty is 0.

    Args:
        water: the water raster; its tags say the threshold, 0.5 where they do not.
        notes: what the user should know is added here.

    Raises:
        DataError: there is none, it cannot be used, its grid is another, or another bundle or scene made it.
        StorageError: it lies elsewhere and cannot be reached.
    """
    path = probability_path(water.path)
    if not path.exists():
        raise DataError(
            f"{path}: no such file, so how certain {water.path.name} is cannot be told",
            hint="map the scene again with watermap predict --probability, or take another --value",
        )
    threshold = _threshold(water, notes)
    with open_raster(path) as raster:
        if raster.count != 1 or not raster.grid.same_as(water.own_grid):
            raise DataError(
                f"{path}: is no probability of {water.path.name}, its grid or number of bands is another",
                hint="map the scene again with watermap predict --probability",
            )
        check_origin(path, raster.dataset.tags(), water.path, water.tags)
        dataset, is_percent = raster.dataset, np.issubdtype(raster.dtype, np.integer)

        def read(window: Window) -> Confidence:
            values = read_from(path, lambda: dataset.read(1, window=window), what=window)
            probability = values.astype(np.float32)
            if is_percent:
                probability[values > _ALL_PERCENT] = np.nan
                probability /= _ALL_PERCENT
            confidence: Confidence = np.nan_to_num(np.abs(probability - np.float32(threshold)), nan=0.0)
            return confidence

        yield read


def check_origin(probability: Path, tags: Mapping[str, str], water: Path, water_tags: Mapping[str, str]) -> None:
    """Refuse a probability raster that was not predicted along with a water raster.

    Args:
        probability: the raster, which has `tags`.
        tags: its metadata.
        water: the water raster.
        water_tags: its metadata.

    Raises:
        DataError: both name their bundle, or what their scene held, and not the same.
    """
    if (differing := contradiction(tags, water_tags)) is not None:
        raise DataError(
            f"{probability}: is not the probability of {water.name}, another {differing} made it",
            hint="map the scene again with watermap predict --probability",
        )


def _threshold(water: Label, notes: list[str]) -> float:
    text = water.tags.get(THRESHOLD_TAG)
    if text is None:
        notes.append(f"{water.path}: its tags say no threshold; {_USUAL_THRESHOLD} is taken")
        return _USUAL_THRESHOLD
    try:
        return float(text)
    except ValueError as error:
        raise DataError(
            f"{water.path}: its tag {THRESHOLD_TAG} is {text!r}, which is no number",
            hint=f"mend it with gdal_edit.py -mo {THRESHOLD_TAG}=0.5",
        ) from error
