"""Refuses to score a bundle on what it has seen: the same ground at any date, or the same pixels wherever they lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial, reduce
from operator import add
from pathlib import Path
from typing import Final

import numpy as np
from rasterio.windows import Window

from watermap.bundles.bundle import Bundle
from watermap.bundles.fingerprints import SIDE, Prints, fingerprints
from watermap.bundles.training_ground import (
    CALIBRATED_ON,
    CALIBRATION_SPLIT,
    SPLITS,
    TrainingGround,
    ground_files,
    read_ground,
)
from watermap.errors import DataError, ModelError, WatermapError
from watermap.geo.crs import footprints
from watermap.geo.grid import blocks, blocks_with_halo
from watermap.geo.shared_ground import shared_ground
from watermap.io.cache import cached
from watermap.io.files import file_digest
from watermap.io.paths import remote
from watermap.io.products import find_scene
from watermap.io.raster import Raster, open_raster
from watermap.patches.store import PatchStore
from watermap.prediction.predictor import Predictor
from watermap.progress import Progress, silent
from watermap.scenes.folder import Scene, find_scenes

_ROWS: Final = 256
_MOST_OF_IT: Final = 0.5
_NAMED: Final = 8
_HINT: Final = "score it on other ground: a score of what it has seen says nothing of new scenes"


def check_scenes(
    predictor: Predictor, scenes: Sequence[Scene], names: Sequence[str] | None, progress: Progress = silent
) -> list[str]:
    """Make sure that no bundle of a predictor has seen any of the scenes.

    Scenes that cannot be read are left to whoever scores them.

    Returns:
        Notes: what could not be told.

    Raises:
        DataError: one of them has seen one.
    """
    known = [(bundle, ground_of_bundle(bundle)) for bundle in predictor.bundles]
    leaks: list[list[tuple[str, str]]] = [[] for _ in known]
    for done, scene in enumerate(scenes):
        try:
            findings = _leaks_of_scene(scene, predictor, known, names)
        except (WatermapError, OSError):
            continue
        for found, what in zip(leaks, findings, strict=True):
            if what is not None:
                found.append((scene.name, what))
        progress("looking for what it has seen: scenes", done + 1, len(scenes))
    for (bundle, _), found in zip(known, leaks, strict=True):
        _refuse(bundle, found)
    return [line for bundle, training_ground in known for line in _untold(bundle, training_ground)]


def _leaks_of_scene(
    scene: Scene,
    predictor: Predictor,
    known: Sequence[tuple[Bundle, TrainingGround | None]],
    names: Sequence[str] | None,
) -> list[str | None]:
    """What each bundle has seen of a scene, in words; its file is read once for all of them."""
    with open_raster(find_scene(scene.image, sensor=predictor.config.stated_sensor), names=names) as raster:
        digest, prints = cache(partial(file_digest, scene.image)), cache(partial(_scene_prints, raster, predictor))

        def finding(bundle: Bundle, training_ground: TrainingGround | None) -> str | None:
            if training_ground is not None:
                return _shared_ground(raster, predictor, training_ground) or training_ground.pixels(prints())
            is_equal = digest() in bundle.contract.trained_on.get("scenes", {}).values()
            return "is one of the scenes that it learned from" if is_equal else None

        return [finding(bundle, training_ground) for bundle, training_ground in known]


def check_patches(bundle: Bundle, store: PatchStore, split: str) -> list[str]:
    """Make sure that a bundle has not seen the patches of a split.

    Of the store that it learned from, or was calibrated on, the patches that it has seen are what they are. The others
    share no ground with them; where parts of the same pixels are given out as different places, a note tells.

    Returns:
        Notes: what could not be told, or that scores flatter.

    Raises:
        DataError: it has seen one.
    """
    trained_on = bundle.contract.trained_on
    own = store.digest == trained_on.get("patches")  # no two of its splits share ground
    calibrated = store.digest == trained_on.get(CALIBRATED_ON, {}).get("patches")
    if (calibrated and split == CALIBRATION_SPLIT) or (own and split in SPLITS):
        name = bundle.folder.name
        return [f"{store.folder}: {name} has seen its {split} patches, so these scores flatter and are no test"]
    images = set(trained_on.get("scenes", {}).values())
    training_ground = ground_of_bundle(bundle)
    trained = {scene for scene, sha in store.image_digests(split).items() if sha in images and not own}
    leaks: list[tuple[str, str]] = []
    parts: list[str] = []
    channels = [store.bands.index(band) for band in bundle.contract.needed_bands]
    for place, record in enumerate(store.records(split)):
        if training_ground is None:
            what = "is of a scene that it learned from" if record.scene in trained else None
        else:
            patch = store.read(split, [place])
            prints = fingerprints(patch.image[0][..., channels], patch.valid[0], store.radiometry)
            what = training_ground.ground(record.footprint) or training_ground.pixels(prints)
            if (own or calibrated) and what is not None and training_ground.share(prints) < _MOST_OF_IT:
                parts.append(record.id)
                what = None
        if what is not None:
            leaks.append((f"patch {record.id}", what))
    _refuse(bundle, leaks)
    return [*_untold(bundle, training_ground), *_flattered(bundle, store, split, parts)]


def ground_of_bundle(bundle: Bundle) -> TrainingGround | None:
    """What a bundle has seen, in training or in calibration; None where it was written before bundles kept that.

    Raises:
        ModelError: its record is damaged.
        StorageError: it lies elsewhere and cannot be reached.
    """
    records = [_read(bundle.folder / name, digest) for name, digest in ground_files(bundle.contract.trained_on).items()]
    return reduce(add, records) if records else None


def _read(path: Path, digest: str) -> TrainingGround:
    if remote(path) is not None:
        return read_ground(cached(path, digest, _damaged))
    if not path.is_file() or file_digest(path) != digest:
        raise _damaged(path, "it is missing or not the file that was saved")
    return read_ground(path)


def _shared_ground(raster: Raster, predictor: Predictor, training_ground: TrainingGround) -> str | None:
    """What is seen of the ground of a scene, in words; where it has no data it shows none."""
    grid = raster.grid
    (outline,) = footprints(grid, [Window(0, 0, grid.width, grid.height)])
    what = training_ground.ground(outline)
    if what is None:
        return None
    positions = raster.find(predictor.bands_of(raster))
    for block in blocks(grid, _ROWS):
        valid = raster.read(positions, block).valid
        for left in range(0, grid.width, _ROWS):
            rows, cols = (np.flatnonzero(valid[:, left : left + _ROWS].any(axis=axis)) for axis in (1, 0))
            if len(rows):
                corner = left + int(cols[0]), int(block.row_off + rows[0])
                (part,) = footprints(grid, [Window(*corner, int(np.ptp(cols)) + 1, int(np.ptp(rows)) + 1)])
                if training_ground.ground(part) is not None:
                    return what
    return None


def _scene_prints(raster: Raster, predictor: Predictor) -> Prints:
    radiometry, positions = predictor.radiometry(raster), raster.find(predictor.bundle.contract.needed_bands)
    found = [np.empty(0, dtype=np.uint64)]
    for _, wide, _ in blocks_with_halo(raster.grid, _ROWS, (0, SIDE - 1)):  # squares may begin in any row
        pixels = raster.read(positions, wide)
        found.append(fingerprints(np.moveaxis(pixels.values, 0, -1), pixels.valid, radiometry))
    return np.unique(np.concatenate(found))


def _flattered(bundle: Bundle, store: PatchStore, split: str, parts: Sequence[str]) -> list[str]:
    if not parts:
        return []
    named = ", ".join(parts[:_NAMED]) + (", ..." if len(parts) > _NAMED else "")
    return [
        f"{store.folder}: {len(parts)} of {store.count(split)} {split} patches hold some of the very pixels that "
        f"{bundle.folder.name} has seen, though they lie elsewhere ({named}), so these scores flatter a little"
    ]


def _refuse(bundle: Bundle, leaks: Sequence[tuple[str, str]]) -> None:
    if leaks:
        (name, what), *others = leaks
        more = f", and {len(others)} more are seen too" if others else ""
        raise DataError(f"{name} {what} ({bundle.folder.name}){more}: there is no honest score", hint=_HINT)


def _untold(bundle: Bundle, training_ground: TrainingGround | None) -> list[str]:
    if bundle.contract.imported_from is not None:
        return [
            f"{bundle.folder}: is an imported network, and which ground it learned from is unknown: where that is "
            "some of this, these scores flatter"
        ]
    if training_ground is not None:
        return []
    return [
        f"{bundle.folder}: the bundle does not say which ground it has seen, so only equal files were looked for; "
        "train it again to have shared ground and copied pixels found"
    ]


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path}: damaged, {reason}", hint="copy the bundle again, or train it again")


def check_held_out(store: PatchStore, held_out: Path) -> None:
    """Make sure that no held-out scene shows ground that patches were cut from.

    Raises:
        DataError: one does, or a scene cannot be read.
    """
    scenes = find_scenes(held_out, need_label=True)
    learned = [record.footprint for split in SPLITS for record in store.records(split)]
    for scene in scenes:
        with open_raster(scene.image) as raster:
            (outline,) = footprints(raster.grid, [Window(0, 0, raster.grid.width, raster.grid.height)])
        if len(shared_ground(learned, [outline])):
            raise DataError(
                f"{scene.image.parent}: shows ground that was trained on, so no score of it is honest",
                hint="hold out scenes of other places",
            )
