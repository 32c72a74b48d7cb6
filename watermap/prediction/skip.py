"""Predictions that are not made twice: beside each a record of what made it and of what its files hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from watermap import __version__
from watermap.errors import DataError
from watermap.io.files import file_digest, write_text
from watermap.io.gdal import open_dataset, with_layers
from watermap.io.paths import local
from watermap.io.products import SceneFiles, find_scene
from watermap.io.temporary import sweep
from watermap.prediction.predictor import Predictor
from watermap.prediction.provenance import BUNDLE_TAG
from watermap.prediction.scene import Prediction, predict_scene
from watermap.progress import Progress, silent
from watermap.scenes.find import output_name
from watermap.scenes.identity import with_identities

RECORD_SUFFIX: Final = "_prediction.json"


class PredictionRecord(BaseModel):
    """What made a prediction, and what it is.

    Attributes:
        made_from: digest of scene, bundle, settings and version.
        files: SHA-256 of each raster, by file name; the water raster first.
        water_pixels, valid_pixels, pixels, unsure_pixels: counts.
        notes: what the user should know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_from: str
    files: dict[str, str]
    water_pixels: int
    valid_pixels: int
    pixels: int
    unsure_pixels: int | None = None
    notes: tuple[str, ...]


def predict_once(
    scene: Path | SceneFiles,
    predictor: Predictor,
    out: Path,
    *,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Prediction, bool]:
    """Predict a scene unless its rasters are there, whole, and made from the same scene, bundle and settings.

    Args:
        scene: an image.
        predictor: the model.
        out: the folder of the rasters.
        names: the names of all the file's bands in order, if the user states them.
        progress: told after every batch.
        turn: what to hold while the model works; a prediction that is kept needs none.

    Returns:
        The prediction, and whether it was made now.

    Raises:
        DataError: the scene cannot be used, or the rasters cannot be written.
        StorageError: the scene lies elsewhere and cannot be reached.
        UsageError: `out` does not lie on this machine.
    """
    path = local(out) / f"{output_name(scene)}{RECORD_SUFFIX}"
    scene = _identified(find_scene(scene, sensor=predictor.config.stated_sensor))
    sweep(out, rests=True)  # where the prediction is kept, nothing else is written
    made_from = _inputs(scene, predictor, names)
    record = _read(path)
    if record is not None and record.made_from == made_from and _is_whole(record, out):
        return _restored(record, out), False
    path.unlink(missing_ok=True)  # what it says of the rasters will not be true while they are written
    with turn():
        made = predict_scene(scene, predictor, out, names=names, progress=progress)
    rasters = [made.water, *made.others.values()]
    if any(_made_by(raster) != predictor.id for raster in rasters):
        return made, True  # another run has replaced it meanwhile: a record would vouch for what it did not make
    for name in () if record is None else set(record.files) - {raster.name for raster in rasters}:
        (out / name).unlink(missing_ok=True)  # an older probability beside a newer map would mislead
    made = replace(made, digests={raster: file_digest(raster) for raster in rasters})
    record = PredictionRecord(
        made_from=made_from,
        files={raster.name: digest for raster, digest in made.digests.items()},
        water_pixels=made.water_pixels,
        valid_pixels=made.valid_pixels,
        pixels=made.pixels,
        unsure_pixels=made.unsure_pixels,
        notes=made.notes,
    )
    write_text(path, record.model_dump_json(indent=1) + "\n")
    return made, True


def _identified(scene: SceneFiles) -> SceneFiles:
    try:
        return with_identities(with_layers(scene))
    except OSError as error:
        raise DataError(f"{scene}: cannot be read ({error.strerror})", hint="check its permissions") from error


def _inputs(scene: SceneFiles, predictor: Predictor, names: Sequence[str] | None) -> str:
    """Digest of all that decides the pixels."""
    made_from = [__version__, predictor.id, predictor.config.digest(), names, scene.identities]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


def _read(path: Path) -> PredictionRecord | None:
    try:
        return PredictionRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None


def _made_by(raster: Path) -> str | None:
    """The id of the bundle that a raster says it was made by."""
    with open_dataset(raster) as dataset:
        found: str | None = dataset.tags().get(BUNDLE_TAG)
    return found


def _is_whole(record: PredictionRecord, out: Path) -> bool:
    return all((out / name).is_file() and file_digest(out / name) == digest for name, digest in record.files.items())


def _restored(record: PredictionRecord, out: Path) -> Prediction:
    water, *others = (out / name for name in record.files)
    return Prediction(
        water=water,
        others={path.stem.rpartition("_")[2]: path for path in others},
        unsure_pixels=record.unsure_pixels,
        water_pixels=record.water_pixels,
        valid_pixels=record.valid_pixels,
        pixels=record.pixels,
        notes=record.notes,
        digests={out / name: digest for name, digest in record.files.items()},
    )
