"""A bundle's model, or those of several bundles together, ready for scenes of any size."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.arrays import FloatArray, Mask
from watermap.bands import Radiometry
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import UsageError
from watermap.geo.pixel_area import pixel_size_m
from watermap.io.raster import Pixels, Raster
from watermap.legend import NO_DATA
from watermap.prediction.averaging import averaged_reader, averaged_shape, averaging_factor, put_back
from watermap.prediction.engines.choice import has_disagreement, open_engine
from watermap.prediction.engines.engine import Engine
from watermap.prediction.windows import (
    Layout,
    Strip,
    fixed_layout,
    overlap_for,
    picked_layout,
    predict_strips,
    square_layout,
)
from watermap.progress import Progress, silent
from watermap.scenes.filling import to_model
from watermap.scenes.radiometry import scene_radiometry

OVERLAP: Final = 112
"""Pixels that windows share where nobody measured how far a model sees."""


class Predictor:
    """A bundle's model, or those of several bundles together, ready for scenes of any size.

    Args:
        bundle: the trained bundle.
        config: windows, threshold, radiometry.
        others: bundles of the same bands and units; what is mapped is the mean of what they say.

    Raises:
        UsageError: window and overlap do not fit the model, or the bundles not each other.
    """

    def __init__(self, bundle: Bundle, config: PredictConfig, others: Sequence[Bundle] = ()) -> None:
        self.bundle = bundle
        self.bundles = (bundle, *others)
        self.config = config
        self.threshold = _agreed_threshold(self.bundles) if config.threshold is None else config.threshold
        for other in others:
            _check_alike(bundle, other)
        self._engine: Engine | None = None
        self._opening = threading.Lock()
        self._multiple = max(each.contract.window_multiple_px for each in self.bundles)
        self._fixed_window = _only_window(self.bundles, config.window)
        step = 2 * self._multiple  # windows start at multiples of the stride, for any overlap that is one too
        is_free = self._fixed_window is None
        if (is_free and (config.window or 0) % step) or (config.overlap or 0) % self._multiple:
            stated = {"window": config.window, "overlap": config.overlap}
            message = " and ".join(f"{name} {value}" for name, value in stated.items() if value is not None)
            raise UsageError(
                f"{message} do not fit the model's stride",
                hint=f"give a window that is a multiple of {step} and an overlap that is one of {self._multiple}",
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
                self._engine = open_engine(self.bundles, self.config)
            return self._engine

    @property
    def id(self) -> str:
        """Of the bundle, or of all of them."""
        return "+".join(bundle.id for bundle in self.bundles)

    @property
    def name(self) -> str:
        """Of the bundle's folder, or of all of them."""
        return "+".join(bundle.folder.name for bundle in self.bundles)

    @property
    def has_disagreement(self) -> bool:
        """Whether it tells how far several answers disagree."""
        return has_disagreement(self.bundles, self.config)

    def layout(self, shape: tuple[int, int]) -> Layout:
        """The windows of a scene of (rows, cols).

        A model that sees the whole window is given windows as large as its training patches, if none are asked for:
        in larger ones its averages are of more ground than it has learned from, and its maps are worse.

        Raises:
            UsageError: the windows asked for are too small for how far the model sees.
        """
        window, overlap = self._windows(shape)
        if window is None:
            return picked_layout(shape, self.engine.window_pixels, overlap, self._multiple)
        lay_out = square_layout if self._fixed_window is None else fixed_layout
        return lay_out(shape, window, overlap, self._multiple)

    def halo(self, shape: tuple[int, int]) -> tuple[int, int]:
        """How a scene of (rows, cols) may be cut into pieces that are mapped one by one, as if it were whole.

        Returns:
            Of how many pixels the pieces' sides must be a multiple, but for the last; and how many pixels of their
            neighbours they need around them, a multiple of it and at most the side of the shortest piece.

        Raises:
            UsageError: the windows asked for are too small for how far the model sees.
        """
        window, overlap = self._windows(shape)
        if window is None:
            return self._multiple, overlap
        layout = self.layout(shape)
        step = layout.shape[0] - layout.overlap  # so that the pieces are seen in the very windows of the whole
        return step, step

    def _windows(self, shape: tuple[int, int]) -> tuple[int | None, int]:
        """The side of a window, None where memory decides, and how many pixels windows share."""
        step = 2 * self._multiple
        fields = [bundle.contract.receptive_field_px for bundle in self.bundles]
        receptive_field_px = None if None in fields else max(each for each in fields if each is not None)
        overlap = self.config.overlap
        if overlap is None:
            unknown = math.ceil(OVERLAP / self._multiple) * self._multiple
            overlap = unknown if receptive_field_px is None else overlap_for(receptive_field_px, self._multiple)
            window = self.config.window
            if receptive_field_px is not None and window is not None and 2 * overlap >= window and max(shape) > window:
                raise UsageError(
                    f"windows of {window} are too small for a model that sees {receptive_field_px} pixels far",
                    hint=f"give at least --window {2 * overlap + step}, or an --overlap to say that less will do",
                )
        window = self._fixed_window or self.config.window
        whole = [bundle.contract.patch_size or 0 for bundle in self.bundles if bundle.contract.sees_whole_window]
        if window is None and whole:
            window = math.ceil(max(whole) / step) * step
        return window, overlap

    def bands_of(self, raster: Raster) -> tuple[str, ...]:
        """The model's bands that a scene has, in their order. Raises DataError where it lacks one that it needs."""
        contract = self.bundle.contract
        bands = raster.present(contract.bands, contract.optional_bands)
        raster.find(bands)
        return bands

    def averaging(self, raster: Raster) -> int:
        """How many pixels of a scene, along a side, are averaged to one for the model; the user is told, once."""
        finest_m = self.bundle.contract.finest_m
        if finest_m is None or raster.grid.transform.is_identity:  # an array, whose pixels have no size
            return 1
        pixel_m = math.sqrt(math.prod(pixel_size_m(raster.grid)))
        factor = averaging_factor(pixel_m, finest_m)
        if factor > 1:
            raster.remark(
                f"its pixels of {pixel_m:.3g} m are averaged to {pixel_m * factor:.3g} m for the model, which knows no "
                "finer ones; the map is on the scene's own grid"
            )
        return factor

    def radiometry(self, raster: Raster) -> Radiometry:
        """What a scene's numbers mean, checked against the contract.

        Raises:
            DataError: a band is missing, no pixel is valid, or the numbers are not what the model was trained on.
        """
        contract, bands = self.bundle.contract, self.bands_of(raster)
        return scene_radiometry(
            raster,
            raster.find(bands),
            expected=contract.radiometry,
            statistics=contract.statistics.of_bands([contract.bands.index(band) for band in bands]),
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
        contract, bands = self.bundle.contract, self.bands_of(raster)
        expected, filling = contract.radiometry, contract.filling
        channels = [contract.bands.index(band) for band in bands]

        def prepare(pixels: Pixels, out: FloatArray) -> None:
            to_model(pixels.values, pixels.valid, radiometry, expected, filling, channels=channels, out=out)

        positions, shape, factor = raster.find(bands), raster.grid.shape, self.averaging(raster)
        read = raster.reader(positions)
        strips = predict_strips(
            read if factor == 1 else averaged_reader(read, shape, factor),
            prepare,
            self.engine.compute,
            self.layout(averaged_shape(shape, factor)),
            bands=len(contract.bands),
            batch_size=self.engine.batch_size,
            has_disagreement=self.has_disagreement,
            progress=progress,
        )
        if factor == 1:
            return strips

        def valid_rows(start: int, stop: int) -> Mask:
            return raster.read(positions, Window(0, start, shape[1], stop - start)).valid

        return put_back(strips, valid_rows, shape, factor)

    def classify(self, strip: Strip) -> npt.NDArray[np.uint8]:
        """Codes (rows, cols) of a strip: 0 land, 1 water, 255 no data."""
        codes = (strip.probability >= self.threshold).view(np.uint8)  # WATER and LAND are 1 and 0
        codes[~strip.valid] = NO_DATA
        return codes


def _only_window(bundles: Sequence[Bundle], stated: int | None) -> int | None:
    """The side of the only windows that imported networks take; None where any will do."""
    sides = {bundle.contract.fixed_window_px for bundle in bundles} - {None}
    if len(sides) > 1 or (sides and stated not in (None, *sides)):
        named = " and ".join(str(side) for side in sorted(side for side in sides if side is not None))
        raise UsageError(
            f"the network takes windows of {named} pixels only",
            hint="map by one of the bundles" if len(sides) > 1 else "leave --window out",
        )
    return next(iter(sides), None)


def _agreed_threshold(bundles: Sequence[Bundle]) -> float:
    thresholds = {bundle.contract.threshold for bundle in bundles}
    if len(thresholds) > 1:
        message = ", ".join(f"{threshold:g}" for threshold in sorted(thresholds))
        raise UsageError(f"the bundles take water from {message} on", hint="state one --threshold for all of them")
    return thresholds.pop()


def _check_alike(one: Bundle, other: Bundle) -> None:
    own, others = ((b.contract.bands, b.contract.optional_bands, b.contract.radiometry) for b in (one, other))
    if own != others:
        raise UsageError(
            f"{one.folder} and {other.folder} take other bands or units, so they cannot be asked together",
            hint="give bundles that were trained on patches of the same bands, scale and offset",
        )
