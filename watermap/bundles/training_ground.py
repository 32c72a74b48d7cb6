"""What a model has seen: the ground of its patches and how their pixels are recognised, kept in its bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from watermap.bundles.fingerprints import Prints, fingerprints, rate, thinned
from watermap.errors import ModelError
from watermap.geo.area_text import km2
from watermap.geo.shared_ground import shared_ground
from watermap.io.files import unwritable, writing
from watermap.io.geopackage import add_layer
from watermap.patches.store import PatchStore

GROUND_STEM: Final = "seen"
GROUND_FILE: Final = f"{GROUND_STEM}.gpkg"
SPLITS: Final = ("train", "validation")
"""Validation patches choose epochs, calibration and threshold: they are no test either."""

CALIBRATED_ON: Final = "calibrated_on"
"""In a contract's `trained_on`: the patches, other than those of the training, that calibration and threshold were
fitted on, and the digest of the record of their ground."""
CALIBRATION_SPLIT: Final = "validation"

_GROUND: Final = "ground"
_PRINTS: Final = "fingerprints"
_BATCH: Final = 64
_LEAST_PRINTS: Final = 3
"""Squares that two images share before one is called a copy of the other: that many are 20 pixels square or so."""
_MOST_PRINTS: Final = 1 << 22
"""Of large trainings fewer squares of each patch are kept, so that the record stays below 100 MB."""


@dataclass(frozen=True)
class TrainingGround:
    """Ground and pixels that a model learned from, or was chosen or calibrated by.

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
        shared = shared_ground(self.outlines, [outline])
        if not len(shared):
            return None
        most = int(np.argmax(shared.km2))
        name = self.names[shared.first[most]]
        return f"shares {km2(shared.km2[most] * 1e6, digits=3)} km2 of ground with patch {name}, which it has seen"

    def pixels(self, prints: Prints) -> str | None:
        """What is seen of an image's fingerprints, in words; None where nothing is."""
        share = self.share(prints)
        return f"holds the very pixels that it has seen ({share:.0%} of what was compared)" if share else None

    def share(self, prints: Prints) -> float:
        """How much of an image's fingerprints is seen, 0 to 1; 0 where it may be chance."""
        kept = prints[prints % np.uint64(rate(self.prints)) == 0]
        shared = int(np.isin(kept, self.prints, assume_unique=True).sum())
        return shared / len(kept) if shared >= _LEAST_PRINTS else 0.0

    def __add__(self, other: TrainingGround) -> TrainingGround:
        """What both have seen."""
        prints = thinned(np.union1d(self.prints, other.prints), _MOST_PRINTS)
        one_in = np.uint64(max(rate(each.prints) for each in (self, other)))
        return TrainingGround(
            np.concatenate([self.names, other.names]),
            np.concatenate([self.outlines, other.outlines]),
            prints[prints % one_in == 0],
        )


def calibrated_file(digest: str) -> str:
    """The name of the record of what a bundle was calibrated on: by its digest, so that no other is written over."""
    return f"{GROUND_STEM}_{digest[:12]}.gpkg"


def ground_files(trained_on: Mapping[str, Any]) -> dict[str, str]:
    """The records that a contract names, each with its digest; none in contracts that do not say what was seen."""
    digest = trained_on.get("seen")
    own = {} if digest is None else {GROUND_FILE: digest}
    others = [trained_on[CALIBRATED_ON]["seen"]] if CALIBRATED_ON in trained_on else []
    return own | {calibrated_file(other): other for other in others}


def ground_of_patches(store: PatchStore, splits: Sequence[str] = SPLITS) -> TrainingGround:
    """What a model that is trained on patches, or calibrated on some of them, will have seen.

    Pixels are known again by the bands that all scenes have.
    """
    channels = [place for place, band in enumerate(store.bands) if band not in store.optional_bands]
    names, outlines, prints = [], [], [np.empty(0, dtype=np.uint64)]
    for split in splits:
        records = store.records(split)
        names += [record.id for record in records]
        outlines += [record.footprint for record in records]
        for start in range(0, len(records), _BATCH):
            batch = store.read(split, list(range(start, min(start + _BATCH, len(records)))))
            prints += [
                fingerprints(image[..., channels], valid, store.radiometry)
                for image, valid in zip(batch.image, batch.valid, strict=True)
            ]
    kept = thinned(np.unique(np.concatenate(prints)), _MOST_PRINTS)
    return TrainingGround(np.array(names, dtype=object), np.array(outlines, dtype=object), kept)


def write_ground(path: Path, ground: TrainingGround) -> Path:
    """Keep it as a GeoPackage: layer `ground`, which QGIS shows, and table `fingerprints`.

    Raises:
        DataError: it cannot be written.
    """
    try:
        with writing(path) as part:
            outlines = shapely.to_wkb(ground.outlines)
            add_layer(part, _GROUND, {"patch": ground.names}, shapes=outlines, kind="Unknown", crs="EPSG:4326")
            add_layer(part, _PRINTS, {"hash": ground.prints.view(np.int64)})
    except (DataSourceError, DataLayerError) as error:
        raise unwritable(path, error) from error
    return path


def read_ground(path: Path) -> TrainingGround:
    """Read what `write_ground` wrote.

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
    return TrainingGround(names, shapely.from_wkb(outlines), hashes.astype(np.int64).view(np.uint64))
