"""What a model has seen: the ground of its patches and how their pixels are recognised, kept in its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from watermap.errors import ModelError
from watermap.files import appearing, unwritable
from watermap.fingerprints import Prints, fingerprints
from watermap.geopackage import add_layer
from watermap.ground import equal_area
from watermap.patch_store import PatchStore

SEEN_FILE: Final = "seen.gpkg"
SPLITS: Final = ("train", "validation")
"""Validation patches choose epochs, calibration and threshold: they are no test either."""

_GROUND: Final = "ground"
_PRINTS: Final = "fingerprints"
_BATCH: Final = 64
_LEAST_PRINTS: Final = 3
"""Squares that two images share before one is called a copy of the other: one alone is a corner of 20 pixels or so."""
_LEAK_SHARE: Final = 1e-3
"""Share of a patch's area below which common ground is rounding."""


@dataclass(frozen=True)
class Seen:
    """Ground and pixels that a model learned from or was chosen by.

    Attributes:
        names: (n,) of the patches.
        outlines: (n,) polygons in EPSG:4326.
        prints: fingerprints of all of them.
    """

    names: npt.NDArray[Any]
    outlines: npt.NDArray[Any]
    prints: Prints

    def ground(self, outline: Any) -> str | None:
        """What is seen of a polygon in EPSG:4326, in words; None where nothing is."""
        found = shapely.STRtree(self.outlines).query(outline, predicate="intersects")
        if not len(found):
            return None
        own, *others = equal_area([outline, *self.outlines[found]])
        shared = shapely.area(shapely.intersection(own, np.array(others)))
        most = int(np.argmax(shared))
        if shared[most] <= _LEAK_SHARE * min(shapely.area(own), shapely.area(others[most])):
            return None
        return f"shares {shared[most]:.3g} km2 of ground with patch {self.names[found[most]]}, which it learned from"

    def pixels(self, prints: Prints) -> str | None:
        """What is seen of an image's fingerprints, in words; None where nothing is."""
        shared = np.isin(prints, self.prints, assume_unique=True).sum()
        if shared < _LEAST_PRINTS:
            return None
        return f"holds the very pixels that it learned from ({shared / len(prints):.0%} of what was compared)"


def seen_of(store: PatchStore) -> Seen:
    """What a model that is trained on patches will have seen."""
    names, outlines, prints = [], [], [np.empty(0, dtype=np.uint64)]
    for split in SPLITS:
        records = store.records(split)
        names += [record.id for record in records]
        outlines += [record.footprint for record in records]
        for start in range(0, len(records), _BATCH):
            batch = store.read(split, list(range(start, min(start + _BATCH, len(records)))))
            prints += [patch_prints(image, valid) for image, valid in zip(batch.image, batch.valid, strict=True)]
    return Seen(np.array(names, dtype=object), np.array(outlines, dtype=object), np.unique(np.concatenate(prints)))


def patch_prints(image: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> Prints:
    """Fingerprints of an image (rows, cols, bands) in the numbers that the model takes, whole where they are not."""
    return fingerprints(np.rint(image).astype(np.int64), valid)


def write_seen(path: Path, seen: Seen) -> Path:
    """Keep it as a GeoPackage: layer `ground`, which QGIS shows, and table `fingerprints`.

    Raises:
        DataError: it cannot be written.
    """
    try:
        with appearing(path) as part:
            outlines = shapely.to_wkb(seen.outlines)
            add_layer(part, _GROUND, {"patch": seen.names}, shapes=outlines, kind="Unknown", crs="EPSG:4326")
            add_layer(part, _PRINTS, {"hash": seen.prints.view(np.int64)})
    except (DataSourceError, DataLayerError) as error:
        raise unwritable(path, error) from error
    return path


def read_seen(path: Path) -> Seen:
    """Read what `write_seen` wrote.

    Raises:
        ModelError: it is damaged.
    """
    try:
        _, _, outlines, (names,) = pyogrio.raw.read(path, layer=_GROUND, columns=["patch"])
        _, _, _, (hashes,) = pyogrio.raw.read(path, layer=_PRINTS, columns=["hash"], read_geometry=False)
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise ModelError(
            f"{path}: damaged, it is not readable", hint="copy the bundle again, or train again"
        ) from error
    return Seen(names, shapely.from_wkb(outlines), hashes.astype(np.int64).view(np.uint64))
