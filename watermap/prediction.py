"""A scene to a water raster on exactly its grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap import __version__
from watermap.bundle import Bundle
from watermap.cog import LABEL_LAYOUT, LAND, NO_DATA, WATER, RasterLayout, RasterWriter
from watermap.config import STRIDE, PredictConfig
from watermap.errors import UsageError, WatermapError
from watermap.files import identity
from watermap.inputs import output_name
from watermap.progress import Progress, silent
from watermap.radiometry import FloatArray, fill_invalid, scene_radiometry, to_expected
from watermap.raster import Mask, Radiometry, Raster, open_raster
from watermap.storage import local
from watermap.windows import Strip, predict_strips

if TYPE_CHECKING:
    import keras

BUNDLE_TAG: Final = "WATERMAP_BUNDLE_ID"
"""The metadata of a raster that says which bundle made it."""

PERCENT_LAYOUT: Final = RasterLayout("uint8", ("probability of water in percent",), NO_DATA, "average")
FLOAT_LAYOUT: Final = RasterLayout("float32", ("probability of water",), float("nan"), "average")


@dataclass(frozen=True)
class Prediction:
    """What was predicted of a scene.

    Attributes:
        water: the water raster.
        probability: the probability raster, if asked for.
        water_pixels, valid_pixels, pixels: counts.
        notes: what the user should know.
    """

    water: Path
    probability: Path | None
    water_pixels: int
    valid_pixels: int
    pixels: int
    notes: tuple[str, ...]


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
        self._models: dict[int, keras.Model] = {}
        step = 2 * STRIDE  # windows start at multiples of the stride, for any overlap that is one too
        if config.window % step or config.overlap % STRIDE:
            raise UsageError(
                f"window {config.window} and overlap {config.overlap} do not fit the model's stride",
                hint=f"give a window that is a multiple of {step} and an overlap that is one of {STRIDE}",
            )

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

    def strips(self, raster: Raster, radiometry: Radiometry, *, progress: Progress = silent) -> Iterator[Strip]:
        """Probability and validity of a scene whose radiometry is known, from top to bottom.

        Raises:
            DataError: the file is damaged.
            ModelError: the model cannot be loaded, or says what is no probability.
        """
        contract = self.bundle.contract
        positions = raster.find(contract.bands)

        def read(window: Window) -> tuple[FloatArray, Mask]:
            pixels = raster.read(positions, window)
            values = to_expected(np.moveaxis(pixels.values, 0, -1), radiometry, contract.radiometry)
            return fill_invalid(values, pixels.valid, contract.statistics), pixels.valid

        size = self._window_size(raster.grid.shape)
        model = self._model(size)
        return predict_strips(
            read,
            lambda windows: np.asarray(model.predict_on_batch(windows))[..., WATER],
            raster.grid.shape,
            size=size,
            overlap=min(self.config.overlap, (size - 1) // 2),
            batch_size=self.config.batch_size,
            progress=progress,
        )

    def classify(self, strip: Strip) -> npt.NDArray[np.uint8]:
        """Codes (rows, cols) of a strip: 0 land, 1 water, 255 no data."""
        water = np.where(strip.probability >= self.threshold, WATER, LAND)
        return np.where(strip.valid, water, NO_DATA).astype(np.uint8)

    def _window_size(self, shape: tuple[int, int]) -> int:
        """The configured window, or a smaller one that holds a small scene whole; a multiple of the stride."""
        step = 2 * STRIDE
        return min(self.config.window, -(-max(shape) // step) * step)

    def _model(self, size: int) -> keras.Model:
        if size not in self._models:
            self._models[size] = self.bundle.load_model(size)
        return self._models[size]


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
        scene: an image; `NAME/image.tif` and `NAME.tif` give `NAME_water.tif`.
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
    counts = np.zeros(256, dtype=np.int64)
    with open_raster(scene, names=names) as raster, ExitStack() as writers:
        strips = predictor.strips(raster, predictor.radiometry(raster), progress=progress)
        tags = _tags(scene, predictor)
        water = writers.enter_context(RasterWriter(water_path, raster.grid, LABEL_LAYOUT, tags=tags))
        probability = (
            writers.enter_context(RasterWriter(probability_path, raster.grid, layout, tags=tags)) if layout else None
        )
        for strip in strips:
            codes = predictor.classify(strip)
            counts += np.bincount(codes.ravel(), minlength=256)
            water.write(codes[None])
            if probability is not None:
                probability.write(_encoded(strip, kind)[None])
        notes = tuple(raster.notes)
    return Prediction(
        water=water_path,
        probability=probability_path if layout else None,
        water_pixels=int(counts[WATER]),
        valid_pixels=int(counts[WATER] + counts[LAND]),
        pixels=int(counts.sum()),
        notes=notes,
    )


def predict_scenes(
    scenes: Sequence[Path],
    predictor: Predictor,
    out: Path,
    *,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> list[tuple[Path, Prediction | WatermapError]]:
    """Predict scenes one after the other; one that fails does not stop the others.

    Returns:
        (scene, what was predicted or why it failed), in the order given.
    """
    results: list[tuple[Path, Prediction | WatermapError]] = []
    for number, scene in enumerate(scenes):

        def report(message: str, done: int, total: int, *, number: int = number, scene: Path = scene) -> None:
            progress(f"{output_name(scene)} ({number + 1} of {len(scenes)}), {message}", done, total)

        try:
            results.append((scene, predict_scene(scene, predictor, out, names=names, progress=report)))
        except WatermapError as error:
            results.append((scene, error))
    return results


def _encoded(strip: Strip, kind: str) -> npt.NDArray[Any]:
    if kind == "float":
        return np.where(strip.valid, strip.probability, np.float32("nan")).astype(np.float32)
    percent = np.rint(np.clip(strip.probability, 0, 1) * 100)
    return np.where(strip.valid, percent, NO_DATA).astype(np.uint8)


def _tags(scene: Path, predictor: Predictor) -> dict[str, str]:
    """What made a raster; of a remote scene what its store says of the content, so that it is not read twice."""
    kind, _, value = identity(scene).partition(":")
    return {
        "WATERMAP_VERSION": __version__,
        "WATERMAP_BUNDLE": predictor.bundle.folder.name,
        BUNDLE_TAG: predictor.bundle.id,
        "WATERMAP_THRESHOLD": f"{predictor.threshold:g}",
        "WATERMAP_CONFIG": predictor.config.digest(),
        "WATERMAP_SCENE": output_name(scene),
        f"WATERMAP_SCENE_{kind.upper()}": value,
    }
