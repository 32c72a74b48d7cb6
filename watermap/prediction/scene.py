"""A scene to a water raster on exactly its grid."""

from __future__ import annotations

import datetime
import time
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from rasterio.windows import Window

from watermap.geo.body_sieve import BodySieve
from watermap.io.cog import RasterWriter
from watermap.io.gdal import small_cache
from watermap.io.layouts import LABEL_LAYOUT
from watermap.io.products import SceneFiles, find_scene
from watermap.io.raster import Raster, open_raster
from watermap.legend import WATER
from watermap.prediction.applicability import remark_on
from watermap.prediction.averaging import averaged_shape
from watermap.prediction.outputs import OTHER_ENDS, PROBABILITY_END, UNSURE, WATER_END, raster_path, rasters, reasons_of
from watermap.prediction.predictor import Predictor
from watermap.prediction.provenance import (
    BUNDLE_TAG,
    CALIBRATION_TAG,
    CONFIG_TAG,
    THRESHOLD_TAG,
    min_area_tag,
    provenance,
    scene_tags,
    stated_provenance,
)
from watermap.progress import Progress, silent
from watermap.scenes.clouds import CloudMask, Clouds, open_clouds
from watermap.scenes.dates import sensed_on
from watermap.scenes.find import check_outputs, output_name

_NO_REASONS: Final = np.empty((0, 0), dtype=np.uint8)
_CHANGE_NO_PIXEL: Final = {"probability": "none", "uncertainty": False, "sure_from": None}
"""Settings that decide what is written beside the water raster, and nothing in it."""


@dataclass(frozen=True)
class Prediction:
    """What was predicted of a scene.

    Attributes:
        water: the water raster.
        others: what is written beside it, by the end of its name: probability, uncertainty, reason.
        water_pixels, valid_pixels, pixels: counts.
        unsure_pixels: of those that are valid, the ones whose classes are about as likely; None if nobody asked.
        notes: what the user should know.
        products: what else people open, made of the rasters.
        digests: SHA-256 of each raster, where it has been asked for.
        replaces: whether the water raster took the place of one that another bundle, settings or scene had made.
    """

    water: Path
    others: Mapping[str, Path]
    water_pixels: int
    valid_pixels: int
    pixels: int
    notes: tuple[str, ...]
    unsure_pixels: int | None = None
    products: tuple[Path, ...] = ()
    digests: Mapping[Path, str] = field(default_factory=dict, compare=False)
    replaces: bool = field(default=False, compare=False)

    @property
    def probability(self) -> Path | None:
        """The probability raster, if asked for."""
        return self.others.get(PROBABILITY_END)


def predict_scene(
    scene: Path | SceneFiles,
    predictor: Predictor,
    out: Path,
    *,
    names: Sequence[str] | None = None,
    clouds: Clouds | None = None,
    progress: Progress = silent,
    then: Callable[[Raster, Prediction], Prediction] = lambda _, made: made,
) -> Prediction:
    """Predict one scene and write its rasters, on exactly its grid.

    Args:
        scene: an image; `NAME/image.tif`, `NAME.tif` and `NAME.SAFE` give `NAME_water.tif`.
        predictor: the model.
        out: the folder of the rasters.
        names: the names of all the file's bands in order, if the user states them.
        clouds: where there are clouds: under them nothing is seen.
        progress: told after every batch.
        then: what to make of the prediction once its rasters are there, while the scene is still open.

    Raises:
        DataError: the scene cannot be used, or the rasters cannot be written; none is left half done.
        StorageError: the scene lies elsewhere and cannot be reached.
        UsageError: `out` does not lie on this machine, or a raster would take the place of one that is read.
    """
    scene = find_scene(scene, sensor=predictor.config.stated_sensor)
    check_maps([scene], out, clouds)
    with small_cache(), open_raster(scene, names=names) as raster:
        return then(raster, _predict(raster, predictor, out, clouds, progress))


def _predict(raster: Raster, predictor: Predictor, out: Path, clouds: Clouds | None, progress: Progress) -> Prediction:
    scene, grid, config = raster.scene, raster.grid, predictor.config
    has_reasons = config.sure_from is not None or clouds is not None
    kinds = rasters(config, has_disagreement=predictor.has_disagreement, has_reasons=has_reasons)
    water_path, paths = raster_path(out, scene, WATER_END), {end: raster_path(out, scene, end) for end in kinds}
    water_pixels = valid_pixels = unsure_pixels = 0
    earlier = stated_provenance(water_path)
    with ExitStack() as stack:
        mask = None if clouds is None else stack.enter_context(open_clouds(clouds, grid, scene))
        predictor.bands_of(raster)  # before the seconds that a model takes to load
        meanwhile = stack.enter_context(ThreadPoolExecutor(1))
        sieve = BodySieve(grid, config.min_area_m2)
        engine, averaged = predictor.engine, predictor.averaging(raster)
        meanwhile.submit(engine.warm, predictor.layout(averaged_shape(grid.shape, averaged)).shape)
        radiometry = predictor.radiometry(raster)
        remarks = (remark_on(raster, bundle, averaged=averaged) for bundle in predictor.bundles)
        doubts = dict(ChainMap(*remarks))
        day = sensed_on(Path(output_name(scene)), raster.dataset.tags())
        tags = meanwhile.submit(_tags, scene, predictor, day, mask)  # reads all of the file
        strips = predictor.strips(raster, radiometry, progress=_rated(progress, grid.width * grid.height))
        water = stack.enter_context(RasterWriter(water_path, grid, LABEL_LAYOUT))
        writers = {end: stack.enter_context(RasterWriter(paths[end], grid, kinds[end][0])) for end in kinds}
        for strip in stack.enter_context(closing(strips)):
            rows, cols = strip.valid.shape
            cloudy = None if mask is None else mask.read(Window(0, strip.row, cols, rows))
            reasons = reasons_of(strip, cloudy, config.sure_from) if has_reasons else _NO_REASONS
            clear = strip if cloudy is None else replace(strip, valid=strip.valid & ~cloudy)
            codes = predictor.classify(clear)
            decided = sieve.add(codes)
            water_pixels += int(np.count_nonzero(decided == WATER))
            valid_pixels += int(np.count_nonzero(clear.valid))
            unsure_pixels += int(np.count_nonzero(reasons == UNSURE))
            water.write(decided[None])
            for end, writer in writers.items():
                writer.write(kinds[end][1](clear, reasons))
            del strip, clear, codes, decided, reasons  # before the next rows take their memory
        rest = sieve.finish()
        water_pixels += int(np.count_nonzero(rest == WATER))
        water.write(rest[None])
        for writer in (water, *writers.values()):
            writer.add_tags(tags.result() | doubts)
        message = None if mask is None else mask.note
        notes = (*raster.notes, *([] if message is None else [message]))
    return Prediction(
        water=water_path,
        others=paths,
        water_pixels=water_pixels,
        valid_pixels=valid_pixels,
        pixels=grid.width * grid.height,
        notes=notes,
        unsure_pixels=None if config.sure_from is None else unsure_pixels,
        replaces=bool(earlier) and earlier != provenance(tags.result()),
    )


def check_maps(scenes: Sequence[SceneFiles], out: Path, clouds: Clouds | None = None) -> None:
    """Make sure that the rasters of scenes take the place of no scene and of no cloud mask.

    Args:
        scenes: their files.
        out: the folder of the rasters.
        clouds: where there are clouds.

    Raises:
        UsageError: one would, or the folder does not lie on this machine.
    """
    masks = [clouds] if isinstance(clouds, Path) else []
    maps = (raster_path(out, scene, end) for scene in scenes for end in (WATER_END, *OTHER_ENDS))
    check_outputs(maps, [*(scene.path for scene in scenes), *masks])


def _rated(progress: Progress, pixels: int) -> Progress:
    """Progress that also tells the speed, in pixels of the scene, and by it the time that is left."""
    start = time.monotonic()

    def show(message: str, done: int, total: int) -> None:
        seconds = max(time.monotonic() - start, 1e-3)
        speed = pixels * done / total / seconds / 1e6
        progress(f"{message}, {speed:.2f} Mpx/s, {seconds * (total - done) / done:.0f} s left", done, total)

    return show


def _tags(scene: SceneFiles, predictor: Predictor, day: datetime.date | None, mask: CloudMask | None) -> dict[str, str]:
    """What made a raster, and on which day its ground was seen."""
    curves = [bundle.contract.calibration for bundle in predictor.bundles]
    return scene_tags(scene, day, mask) | {
        "WATERMAP_BUNDLE": predictor.name,
        BUNDLE_TAG: predictor.id,
        "WATERMAP_ENGINE": predictor.engine.name,
        THRESHOLD_TAG: f"{predictor.threshold:g}",
        CALIBRATION_TAG: "+".join("none" if curve is None else curve.method for curve in curves),
        **min_area_tag(predictor.config.min_area_m2),
        CONFIG_TAG: predictor.config.model_copy(update=_CHANGE_NO_PIXEL).digest(),
    }
