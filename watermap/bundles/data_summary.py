"""What is known of the patches that a model learns from: ground, labels, pixel sizes and dates, for its contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import shapely

from watermap.bundles.contract import SplitData, TrainingData
from watermap.bundles.training_ground import SPLITS as TRAINING_SPLITS
from watermap.geo.ellipsoid import areas_m2
from watermap.io.stac import bbox
from watermap.patches.index import PatchRecord
from watermap.patches.splits import SPLITS
from watermap.patches.store import PatchStore
from watermap.scenes.dates import sensed_on
from watermap.scenes.stac import UNSTATED


def training_data(store: PatchStore) -> TrainingData:
    """What is known of a store's patches.

    Args:
        store: with patches to train on.
    """
    learned = [record for split in TRAINING_SPLITS for record in store.records(split)]
    sides_m = areas_m2([record.footprint for record in learned]) ** 0.5 / store.patch_size
    days = {scene: sensed_on(Path(scene), {}) for scene in sorted({record.scene for record in learned})}
    known = sorted(day for day in days.values() if day is not None)
    west, south, east, north = bbox(shapely.union_all([record.footprint for record in learned]))
    return TrainingData(
        splits={split: _split_data(store, store.records(split)) for split in SPLITS},
        bounds=(west, south, east, north),
        pixel_sizes_m=(float(sides_m.min()), float(sides_m.max())),
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
        area_km2=float(areas_m2([shapely.union_all([record.footprint for record in records])])[0]) / 1e6,
    )


def _ends(days: Sequence[date]) -> tuple[date, date] | None:
    return (days[0], days[-1]) if days else None
