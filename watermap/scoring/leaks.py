"""Refuses to score a bundle on what it has seen: the same ground at any date, or the same pixels wherever they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.bundle import Bundle
from watermap.copies import fetched
from watermap.errors import DataError, ModelError, WatermapError
from watermap.files import file_digest
from watermap.fingerprints import SIDE, Prints, fingerprints
from watermap.grid import blocks
from watermap.ground import footprints
from watermap.patch_store import PatchStore
from watermap.predictor import Predictor
from watermap.progress import Progress, silent
from watermap.raster import Radiometry, Raster, open_raster
from watermap.scenes import Scene
from watermap.seen import SEEN_FILE, SPLITS, Seen, patch_prints, read_seen
from watermap.storage import remote

_ROWS: Final = 256
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
    return [
        line for bundle in predictor.bundles for line in _check_scenes_of(bundle, predictor, scenes, names, progress)
    ]


def _check_scenes_of(
    bundle: Bundle, predictor: Predictor, scenes: Sequence[Scene], names: Sequence[str] | None, progress: Progress
) -> list[str]:
    images = set(bundle.contract.trained_on["scenes"].values())
    seen = seen_by(bundle)
    leaks: list[tuple[str, str]] = []
    for done, scene in enumerate(scenes):
        try:
            if seen is None:
                what = "is one of the scenes that it learned from" if file_digest(scene.image) in images else None
            else:
                with open_raster(scene.image, names=names) as raster:
                    (outline,) = footprints(raster.grid, [Window(0, 0, raster.grid.width, raster.grid.height)])
                    what = seen.ground(outline) or seen.pixels(_scene_prints(raster, predictor))
        except (WatermapError, OSError):
            continue
        if what is not None:
            leaks.append((scene.name, what))
        progress("looking for what it has seen: scenes", done + 1, len(scenes))
    _refuse(bundle, leaks)
    return _untold(bundle, seen)


def check_patches(bundle: Bundle, store: PatchStore, split: str) -> list[str]:
    """Make sure that a bundle has not seen the patches of a split; its own training patches are what they are.

    Returns:
        Notes: what could not be told, or that scores flatter.

    Raises:
        DataError: it has seen one.
    """
    own = store.digest == bundle.contract.trained_on["patches"]  # no two of its splits share ground
    if own and split in SPLITS:
        return [f"{store.folder}: the bundle has seen its {split} patches, so these scores flatter and are no test"]
    images = set(bundle.contract.trained_on["scenes"].values())
    seen = seen_by(bundle)
    trained = {scene for scene, sha in store.image_digests(split).items() if sha in images and not own}
    leaks: list[tuple[str, str]] = []
    for place, record in enumerate(store.records(split)):
        if seen is None:
            what = "is of a scene that it learned from" if record.scene in trained else None
        else:
            patch = store.read(split, [place])
            what = seen.ground(record.footprint) or seen.pixels(patch_prints(patch.image[0], patch.valid[0]))
        if what is not None:
            leaks.append((f"patch {record.id}", what))
    _refuse(bundle, leaks)
    return _untold(bundle, seen)


def seen_by(bundle: Bundle) -> Seen | None:
    """What a bundle has seen; None where it was written before bundles kept that.

    Raises:
        ModelError: its record is damaged.
        StorageError: it lies elsewhere and cannot be reached.
    """
    digest = bundle.contract.trained_on.get("seen")
    if digest is None:
        return None
    path = bundle.folder / SEEN_FILE
    if remote(path) is not None:
        return read_seen(fetched(path, digest, _damaged))
    if not path.is_file() or file_digest(path) != digest:
        raise _damaged(path, "it is missing or not the file that was saved")
    return read_seen(path)


def _scene_prints(raster: Raster, predictor: Predictor) -> Prints:
    """Fingerprints of a scene in the numbers that the model takes."""
    contract = predictor.bundle.contract
    radiometry, positions = predictor.radiometry(raster), raster.find(contract.bands)
    found = [np.empty(0, dtype=np.uint64)]
    for block in blocks(raster.grid, _ROWS):
        end = min(raster.grid.height, int(block.row_off + block.height) + SIDE - 1)  # squares may begin in any row
        pixels = raster.read(positions, Window(0, block.row_off, raster.grid.width, end - block.row_off))
        values = _as_trained(np.moveaxis(pixels.values, 0, -1), radiometry, contract.radiometry)
        found.append(fingerprints(values, pixels.valid))
    return np.unique(np.concatenate(found))


def _as_trained(values: npt.NDArray[Any], own: Radiometry, wanted: Radiometry) -> npt.NDArray[np.int64]:
    """Numbers as the model takes them, whole ones."""
    if own == wanted:
        whole: npt.NDArray[np.int64] = np.rint(values).astype(np.int64)
    else:
        reflectance = (values.astype(np.float64) + own.offset) * own.scale
        whole = np.rint(reflectance / wanted.scale - wanted.offset).astype(np.int64)
    return whole


def _refuse(bundle: Bundle, leaks: Sequence[tuple[str, str]]) -> None:
    if leaks:
        (name, what), *others = leaks
        more = f", and {len(others)} more are seen too" if others else ""
        raise DataError(f"{name} {what} ({bundle.folder.name}){more}: there is no honest score", hint=_HINT)


def _untold(bundle: Bundle, seen: Seen | None) -> list[str]:
    if seen is not None:
        return []
    return [
        f"{bundle.folder}: the bundle does not say which ground it has seen, so only equal files were looked for; "
        "train it again to have shared ground and copied pixels found"
    ]


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path}: damaged, {reason}", hint="copy the bundle again, or train it again")
