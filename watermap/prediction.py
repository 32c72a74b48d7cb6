"""A scene to a water raster on exactly its grid."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap import __version__
from watermap.bandfiles import find_band_files
from watermap.bundle import Bundle
from watermap.calibration import Calibration
from watermap.cog import LABEL_LAYOUT, NO_DATA, WATER, RasterLayout, RasterWriter
from watermap.config import STRIDE, PredictConfig
from watermap.engines.choice import open_engine
from watermap.engines.engine import Engine
from watermap.errors import DataError, UsageError
from watermap.files import identity
from watermap.gdal import raster_files, small_cache
from watermap.inputs import output_name
from watermap.maps.dates import DATE_TAG, seen_on
from watermap.progress import Progress, silent
from watermap.provenance import (
    BUNDLE_TAG,
    CALIBRATION_TAG,
    CONFIG_TAG,
    SCENE_DIGEST_TAG,
    THRESHOLD_TAG,
    provenance,
    stated_provenance,
)
from watermap.radiometry import FloatArray, scene_radiometry, to_model
from watermap.raster import Pixels, Radiometry, Raster, open_raster
from watermap.storage import local
from watermap.windows import Layout, Strip, overlap_for, picked_layout, predict_strips, square_layout

OVERLAP: Final = 112
"""Pixels that windows share where nobody measured how far a model sees."""

PERCENT_LAYOUT: Final = RasterLayout(
    "uint8", ("probability of water in percent",), NO_DATA, "average", value_range=(0, 100)
)
FLOAT_LAYOUT: Final = RasterLayout("float32", ("probability of water",), float("nan"), "average", value_range=(0, 1))

_CALIBRATED_ROWS: Final = 64


@dataclass(frozen=True)
class Prediction:
    """What was predicted of a scene.

    Attributes:
        water: the water raster.
        probability: the probability raster, if asked for.
        water_pixels, valid_pixels, pixels: counts.
        notes: what the user should know.
        products: what else people open, made of the rasters.
        replaces: whether the water raster took the place of one that another bundle, settings or scene had made.
    """

    water: Path
    probability: Path | None
    water_pixels: int
    valid_pixels: int
    pixels: int
    notes: tuple[str, ...]
    products: tuple[Path, ...] = ()
    replaces: bool = field(default=False, compare=False)


class Predictor:
    """A bundle's model, ready for scenes of any size.

    Args:
        bundle: the trained bundle.
        config: windows, threshold, radiometry.

    Raises:
        UsageError: window and overlap do not fit the model.
    """

    def __init__(self, bundle: Bundle, config: PredictConfig) -> None:
        self.bundle = bundle
        self.config = config
        self.threshold = bundle.contract.threshold if config.threshold is None else config.threshold
        self._engine: Engine | None = None
        self._opening = threading.Lock()
        step = 2 * STRIDE  # windows start at multiples of the stride, for any overlap that is one too
        if (config.window or 0) % step or (config.overlap or 0) % STRIDE:
            stated = {"window": config.window, "overlap": config.overlap}
            told = " and ".join(f"{name} {value}" for name, value in stated.items() if value is not None)
            raise UsageError(
                f"{told} do not fit the model's stride",
                hint=f"give a window that is a multiple of {step} and an overlap that is one of {STRIDE}",
            )

    @property
    def engine(self) -> Engine:
        """What runs the model; opened when it is first asked for.

        Raises:
            ModelError: it cannot be had.
            StorageError: the bundle lies elsewhere and cannot be reached.
        """
        with self._opening:
            if self._engine is None:
                self._engine = open_engine(self.bundle, self.config)
            return self._engine

    def layout(self, shape: tuple[int, int]) -> Layout:
        """The windows of a scene of (rows, cols).

        A model that sees the whole window is given windows as large as its training patches, if none are asked for:
        in larger ones its averages are of more ground than it has learned from, and its maps are worse.

        Raises:
            UsageError: the windows asked for are too small for how far the model sees.
        """
        reach = self.bundle.contract.reach
        overlap = self.config.overlap
        if overlap is None:
            overlap = OVERLAP if reach is None else overlap_for(reach)
            window = self.config.window
            if reach is not None and window is not None and 2 * overlap >= window and max(shape) > window:
                raise UsageError(
                    f"windows of {window} are too small for a model that sees {reach} pixels far",
                    hint=f"give at least --window {2 * overlap + 2 * STRIDE}, or an --overlap to say that less will do",
                )
        window = self.config.window
        if window is None and self.bundle.contract.sees_whole_window:
            window = math.ceil(self.bundle.contract.patch_size / (2 * STRIDE)) * 2 * STRIDE
        if window is not None:
            return square_layout(shape, window, overlap)
        return picked_layout(shape, self.engine.window_pixels, overlap)

    def radiometry(self, raster: Raster) -> Radiometry:
        """What a scene's numbers mean, checked against the contract.

        Raises:
            DataError: a band is missing, no pixel is valid, or the numbers are not what the model was trained on.
        """
        contract = self.bundle.contract
        return scene_radiometry(
            raster,
            raster.find(contract.bands),
            expected=contract.radiometry,
            statistics=contract.statistics,
            offset=self.config.offset,
            scale=self.config.scale,
        )

    def strips(
        self, raster: Raster, radiometry: Radiometry, *, progress: Progress = silent
    ) -> Generator[Strip, None, None]:
        """Probability and validity of a scene whose radiometry is known, from top to bottom.

        Raises:
            DataError: the file is damaged.
            ModelError: the model cannot be loaded, or says what is no probability.
        """
        contract = self.bundle.contract
        positions = raster.find(contract.bands)

        def prepare(pixels: Pixels, out: FloatArray) -> None:
            to_model(pixels.values, pixels.valid, radiometry, contract.radiometry, contract.statistics, out=out)

        strips = predict_strips(
            raster.reader(positions),
            prepare,
            self.engine.compute,
            self.layout(raster.grid.shape),
            batch_size=self.engine.batch_size,
            progress=progress,
        )
        return strips if contract.calibration is None else _calibrated(strips, contract.calibration)

    def classify(self, strip: Strip) -> npt.NDArray[np.uint8]:
        """Codes (rows, cols) of a strip: 0 land, 1 water, 255 no data."""
        codes = (strip.probability >= self.threshold).view(np.uint8)  # WATER and LAND are 1 and 0
        codes[~strip.valid] = NO_DATA
        return codes


def predict_scene(
    scene: Path,
    predictor: Predictor,
    out: Path,
    *,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Prediction:
    """Predict one scene and write its rasters, on exactly its grid.

    Args:
        scene: an image; `NAME/image.tif`, `NAME.tif` and `NAME.SAFE` give `NAME_water.tif`.
        predictor: the model.
        out: the folder of the rasters.
        names: the names of all the file's bands in order, if the user states them.
        progress: told after every batch.

    Raises:
        DataError: the scene cannot be used, or the rasters cannot be written; none is left half done.
        StorageError: the scene lies elsewhere and cannot be reached.
        UsageError: `out` does not lie on this machine.
    """
    water_path = local(out) / f"{output_name(scene)}_water.tif"
    probability_path = out / f"{output_name(scene)}_probability.tif"
    kind = predictor.config.probability
    layout = {"none": None, "percent": PERCENT_LAYOUT, "float": FLOAT_LAYOUT}[kind]
    water_pixels = valid_pixels = 0
    earlier = stated_provenance(water_path)
    with small_cache(), open_raster(scene, names=names) as raster, ExitStack() as stack:
        pixels = raster.grid.width * raster.grid.height
        meanwhile = stack.enter_context(ThreadPoolExecutor(1))
        engine, window = predictor.engine, predictor.layout(raster.grid.shape).shape
        meanwhile.submit(engine.warm, window)
        radiometry = predictor.radiometry(raster)
        day = seen_on(Path(output_name(scene)), raster.dataset.tags())
        tags = meanwhile.submit(_tags, scene, predictor, day)  # reads all of the file
        strips = predictor.strips(raster, radiometry, progress=_rated(progress, pixels))
        water = stack.enter_context(RasterWriter(water_path, raster.grid, LABEL_LAYOUT))
        probability = stack.enter_context(RasterWriter(probability_path, raster.grid, layout)) if layout else None
        for strip in stack.enter_context(closing(strips)):
            codes = predictor.classify(strip)
            water_pixels += int(np.count_nonzero(codes == WATER))
            valid_pixels += int(np.count_nonzero(strip.valid))
            water.write(codes[None])
            if probability is not None:
                probability.write(_encoded(strip, kind)[None])
            del strip, codes  # before the next rows take their memory
        for writer in (water, probability):
            if writer is not None:
                writer.add_tags(tags.result())
        notes = tuple(raster.notes)
    return Prediction(
        water=water_path,
        probability=probability_path if layout else None,
        water_pixels=water_pixels,
        valid_pixels=valid_pixels,
        pixels=pixels,
        notes=notes,
        replaces=bool(earlier) and earlier != provenance(tags.result()),
    )


def _calibrated(strips: Generator[Strip, None, None], calibration: Calibration) -> Generator[Strip, None, None]:
    """Strips whose probabilities are what they mean, in the memory that they had."""
    with closing(strips):
        for strip in strips:
            for start in range(0, len(strip.probability), _CALIBRATED_ROWS):
                rows = strip.probability[start : start + _CALIBRATED_ROWS]
                rows[:] = calibration(rows)
            yield strip


def _rated(progress: Progress, pixels: int) -> Progress:
    """Progress that also tells the speed, in pixels of the scene, and by it the time that is left."""
    start = time.monotonic()

    def show(message: str, done: int, total: int) -> None:
        seconds = max(time.monotonic() - start, 1e-3)
        speed = pixels * done / total / seconds / 1e6
        progress(f"{message}, {speed:.2f} Mpx/s, {seconds * (total - done) / done:.0f} s left", done, total)

    return show


def _encoded(strip: Strip, kind: str) -> npt.NDArray[Any]:
    if kind == "float":
        return np.where(strip.valid, strip.probability, np.float32("nan")).astype(np.float32)
    percent = np.rint(np.clip(strip.probability, 0, 1) * 100)
    return np.where(strip.valid, percent, NO_DATA).astype(np.uint8)


def _identity(scene: Path) -> str:
    """What a scene holds; of one of many files a digest of what each does."""
    if find_band_files(scene) is None:
        return identity(scene)
    files = [(path.name, identity(path)) for path in raster_files(scene)]
    return f"sha256:{hashlib.sha256(json.dumps(files).encode()).hexdigest()}"


def _tags(scene: Path, predictor: Predictor, day: datetime.date | None) -> dict[str, str]:
    """What made a raster, and on which day its ground was seen.

    Of a remote scene it tells what its store says of the content, so that it is not read twice.
    """
    try:
        kind, _, value = _identity(scene).partition(":")
    except OSError as error:
        raise DataError(
            f"{scene}: cannot be read any more ({error.strerror})", hint="leave it there until the end"
        ) from error
    calibration = predictor.bundle.contract.calibration
    return ({} if day is None else {DATE_TAG: day.isoformat()}) | {
        "WATERMAP_VERSION": __version__,
        "WATERMAP_BUNDLE": predictor.bundle.folder.name,
        BUNDLE_TAG: predictor.bundle.id,
        "WATERMAP_ENGINE": predictor.engine.name,
        THRESHOLD_TAG: f"{predictor.threshold:g}",
        CALIBRATION_TAG: "none" if calibration is None else calibration.method,
        CONFIG_TAG: predictor.config.model_copy(update={"probability": "none"}).digest(),  # which changes no pixel
        "WATERMAP_SCENE": output_name(scene),
        f"{SCENE_DIGEST_TAG}{kind.upper()}": value,
    }
