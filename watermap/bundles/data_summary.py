"""What is known of the patches that a model learns from: ground, labels, pixel sizes and dates, for its contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyproj
import shapely
from shapely.geometry.polygon import orient

from watermap.bundles.contract import SplitData, TrainingData
from watermap.bundles.training_ground import SPLITS as TRAINING_SPLITS
from watermap.io.stac import bbox
from watermap.patches.index import PatchRecord
from watermap.patches.splits import SPLITS
from watermap.patches.store import PatchStore
from watermap.scenes.dates import sensed_on
from watermap.scenes.stac import UNSTATED

_ELLIPSOID: Final = pyproj.Geod(ellps="WGS84")


def training_data(store: PatchStore) -> TrainingData:
    """What is known of a store's patches.

    Args:
        store: with patches to train on.
    """
    learned = [record for split in TRAINING_SPLITS for record in store.records(split)]
    sides_m = [(_area_km2(record.footprint) * 1e6) ** 0.5 / store.patch_size for record in learned]
    days = {scene: sensed_on(Path(scene), {}) for scene in sorted({record.scene for record in learned})}
    known = sorted(day for day in days.values() if day is not None)
    west, south, east, north = bbox(shapely.union_all([record.footprint for record in learned]))
    return TrainingData(
        splits={split: _split_data(store, store.records(split)) for split in SPLITS},
        bounds=(west, south, east, north),
        pixel_sizes_m=(min(sides_m), max(sides_m)),
        days=_ends(known),
        dated_scenes=len(known),
        undated_scenes=len(days) - len(known),
    )


def label_counts(store: PatchStore, records: Sequence[PatchRecord]) -> dict[str, int]:
    """Patches of a store by the kind of their label, the commonest first."""
    kinds = store.manifest.label_kinds
    return dict(Counter(kinds.get(record.scene, UNSTATED) for record in records).most_common())


def _split_data(store: PatchStore, records: Sequence[PatchRecord]) -> SplitData:
    return SplitData(
        scenes=len({record.scene for record in records}),
        grounds=len({record.block for record in records}),
        labels=label_counts(store, records),
        water=float(np.mean([record.water_fraction for record in records])) if records else None,
        area_km2=_area_km2(shapely.union_all([record.footprint for record in records])),
    )


def _ends(days: Sequence[date]) -> tuple[date, date] | None:
    return (days[0], days[-1]) if days else None


def _area_km2(geometry: Any) -> float:
    """Of polygons in degrees, on the ellipsoid."""
    parts = [orient(part) for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return sum(abs(_ELLIPSOID.geometry_area_perimeter(part)[0]) for part in parts) / 1e6
