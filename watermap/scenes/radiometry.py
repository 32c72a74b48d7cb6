"""What a model expects of a scene's numbers, and whether a scene meets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from rasterio.windows import Window

from watermap.arrays import FloatArray
from watermap.bands import BASELINE_0400_OFFSET, REFLECTANCE_SCALE, Radiometry
from watermap.errors import DataError
from watermap.geo.grid import blocks
from watermap.io.raster import Raster

_SAMPLES_AN_AXIS: Final = 6
"""Windows of each row of windows, and as many rows of them."""
_SAMPLE_SIDE: Final = 256
_SAMPLE_PIXELS: Final = 250_000
_DARK_PERCENTILE: Final = 0.5
_BRIGHT_PERCENTILE: Final = 99.0
_DARK_TOLERANCE: Final = 0.08
"""Reflectance by which a scene's dark end may differ from training's."""
_BASELINE_0400: Final = abs(BASELINE_0400_OFFSET) * REFLECTANCE_SCALE
_LANDSAT_DARK: Final = (4500.0, 12_500.0)
"""Between which Landsat's digital numbers, of either level, of dark ground lie."""
_LEAST_CONTRAST: Final = 0.05
_EIGHT_BIT_SCALE: Final = 1e-3
_UNIT_REFLECTANCE: Final = 2.0
_BRIGHT_RATIO: Final = 15.0
"""Factor by which a scene's bright end may exceed training's."""
_DIM_RATIO: Final = 5.0
"""Factor by which it may fall below before a remark: open water is that dark, and so are numbers of another unit."""


class Statistics(BaseModel):
    """Statistics of training pixels by band, in the contract's digital numbers.

    Attributes:
        mean, std: moments.
        low, high: 0.1 and 99.9 percentile, the range in which augmentation works.
        dark: 0.5 percentile.
        bright: 99 percentile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    dark: tuple[float, ...]
    bright: tuple[float, ...]

    @classmethod
    def of(cls, pixels: npt.NDArray[Any]) -> Self:
        """Statistics of pixels (n, bands), all of them valid; NaN where the pixel's scene has not the band."""
        values = pixels.astype(np.float64)
        low, dark, bright, high = np.nanpercentile(values, (0.1, _DARK_PERCENTILE, _BRIGHT_PERCENTILE, 99.9), axis=0)
        moments = {"mean": np.nanmean(values, axis=0), "std": np.nanstd(values, axis=0)}
        ends = {"low": low, "high": high, "dark": dark, "bright": bright}
        return cls(**{name: tuple(map(float, value)) for name, value in (moments | ends).items()})

    def of_bands(self, channels: Sequence[int]) -> Self:
        """Those of some bands, by their place."""
        kept = {name: tuple(values[channel] for channel in channels) for name, values in self}
        return self.model_copy(update=kept)


def usual_statistics(bands: int) -> Statistics:
    """What pixels of Sentinel-2 scenes with water are like in any band: near nothing where it is dark, and somewhat
    over a third where land is bright.

    Args:
        bands: how many.
    """
    dark, bright = (100.0,) * bands, (3500.0,) * bands
    return Statistics(mean=bright, std=bright, low=dark, high=bright, dark=dark, bright=bright)


def to_expected(values: npt.NDArray[Any], scene: Radiometry, expected: Radiometry) -> FloatArray:
    """A scene's values as the digital numbers that a model expects.

    Args:
        values: as stored in the scene, any shape.
        scene: what they mean.
        expected: what the model was trained on.
    """
    factor, shift = conversion(scene, expected)
    return values.astype(np.float32) * factor + shift


def to_reflectance(values: npt.NDArray[Any], scene: Radiometry) -> FloatArray:
    """A scene's values, as stored, as reflectance; any shape."""
    return to_expected(values, scene, Radiometry(scale=1.0, offset=0.0))


def conversion(scene: Radiometry, expected: Radiometry) -> tuple[np.float32, np.float32]:
    """Factor and shift that turn a scene's stored values into the numbers that a model expects."""
    factor = np.float32(scene.scale / expected.scale)
    return factor, np.float32(scene.offset * scene.scale / expected.scale - expected.offset)


def scene_radiometry(
    raster: Raster,
    positions: Sequence[int],
    *,
    expected: Radiometry,
    statistics: Statistics,
    offset: float | None = None,
    scale: float | None = None,
    usual: str = "the model was trained on",
) -> Radiometry:
    """What a scene's numbers mean, checked against what the model was trained on.

    What the user states wins, then what the file states, then the training data's own convention; the last two
    are believed only if the scene's dark and bright ends are like training's. Of what the user states, a doubt is
    only remarked.

    Args:
        raster: the scene.
        positions: the bands in use, from 0.
        expected: the radiometry of the training data.
        statistics: of the training data, in its digital numbers.
        offset: DN added before scaling, if the user states it.
        scale: reflectance of one DN, if the user states it.
        usual: what the expected numbers are, for messages.

    Raises:
        DataError: no valid pixel, or numbers that the model would silently mis-map.
    """
    found = raster.radiometry(positions) or expected
    stated = Radiometry(found.scale if scale is None else scale, found.offset if offset is None else offset)
    pixels = _sample(raster, positions)
    if not len(pixels):
        raise DataError(f"{raster.path}: holds no valid pixel", hint="every pixel is no data; choose another scene")
    reflectance = to_reflectance(pixels, stated)
    dark = float(np.percentile(reflectance, _DARK_PERCENTILE, axis=0).min())
    bright = float(np.percentile(reflectance, _BRIGHT_PERCENTILE, axis=0).max())
    training_dark = (min(statistics.dark) + expected.offset) * expected.scale
    training_bright = (max(statistics.bright) + expected.offset) * expected.scale
    if scale is None:
        _check_scale(raster, pixels, bright, training_bright, stated, usual)
    if bright < training_bright / _DIM_RATIO:
        raster.remark(
            f"its brightest pixels mean a reflectance of {bright:.3f}, but {usual} {training_bright:.2f}; "
            "if this is not open water, state the right --scale"
        )
    has_contrast = bright - dark > _LEAST_CONTRAST  # a uniform scene has no dark end
    if has_contrast and abs(dark - training_dark) > _DARK_TOLERANCE:
        lowest = f"{np.percentile(pixels, _DARK_PERCENTILE, axis=0).min():g}"
        fault = (
            f"its darkest pixels, near {lowest} DN, mean a reflectance of {dark:.2f} in every band, but "
            f"{usual} {max(training_dark, 0):.2f}"
        )
        if offset is not None:
            raster.remark(f"with --offset {offset:g} {fault}")
        else:
            reason, remedy = _offset_remedy(raster, pixels, stated, dark - training_dark)
            raise DataError(f"{raster.path}: {fault}: {reason}", hint=remedy)
    return stated


def _offset_remedy(raster: Raster, pixels: npt.NDArray[Any], stated: Radiometry, gap: float) -> tuple[str, str]:
    """Why a scene's dark end may be where it is, and what the user can do.

    Args:
        raster: the scene.
        pixels: some of it, as stored.
        stated: what they are taken for.
        gap: reflectance by which the dark end lies above training's.
    """
    usual = Radiometry(REFLECTANCE_SCALE, 0.0)
    own = None if raster.sensor is None else raster.sensor.radiometry
    if own == stated != usual:
        return f"they are not the numbers of {raster.sensor.title if raster.sensor else ''}", (
            "state what they are, e.g. --scale 0.0001 --offset 0 for reflectance x 10,000"
        )
    darkest = float(np.percentile(pixels, _DARK_PERCENTILE, axis=0).min())
    if stated == usual and _LANDSAT_DARK[0] <= darkest <= _LANDSAT_DARK[1]:
        return "they seem to be Landsat's own numbers, not reflectance x 10,000", (
            "give the product's folder with its MTL file, or state --sensor landsat-8-9 or landsat-4-7 if they are "
            "Collection 2 surface reflectance"
        )
    remedy = stated.offset - round(gap / _BASELINE_0400) * _BASELINE_0400 / stated.scale
    return f"an offset seems to be {'left in' if gap > 0 else 'taken off twice'}", (
        f"state it with --offset {remedy:g}, or --offset {stated.offset:g} if the numbers are right as is"
    )


def usual_radiometry(
    raster: Raster, positions: Sequence[int], *, offset: float | None, scale: float | None
) -> Radiometry:
    """What a scene's numbers mean where no model says what it was trained on: checked against Sentinel-2's.

    Args:
        raster: the scene.
        positions: the bands in use, from 0.
        offset: DN added before scaling, if the user states it.
        scale: reflectance of one DN, if the user states it.

    Raises:
        DataError: as `scene_radiometry`.
    """
    return scene_radiometry(
        raster,
        positions,
        expected=Radiometry(REFLECTANCE_SCALE, 0.0),
        statistics=usual_statistics(len(positions)),
        offset=offset,
        scale=scale,
        usual="Sentinel-2 scenes have",
    )


def _check_scale(
    raster: Raster, pixels: npt.NDArray[Any], bright: float, training_bright: float, stated: Radiometry, usual: str
) -> None:
    """Refuse numbers whose scale cannot be the one that is taken for granted."""
    is_float = np.issubdtype(raster.dtype, np.floating)
    highest = float(np.percentile(pixels, _BRIGHT_PERCENTILE, axis=0).max())
    if raster.dtype == np.uint8 and stated.scale < _EIGHT_BIT_SCALE:
        wrong, remedy = "it holds 8-bit numbers", f"give the original, or state --scale, e.g. {1 / 255:.5f}"
    elif is_float and highest <= _UNIT_REFLECTANCE and stated.scale < _EIGHT_BIT_SCALE:
        wrong, remedy = f"its numbers end near {highest:.2g}, as reflectance does", "state it with --scale 1"
    elif bright > _BRIGHT_RATIO * max(training_bright, 0.01):
        wrong, remedy = (
            f"its numbers reach {highest:g}",
            f"state the reflectance of one, e.g. --scale {0.5 / highest:.2g}",
        )
    else:
        return
    raise DataError(
        f"{raster.path}: {wrong}, but {usual} numbers whose unit is a reflectance of {stated.scale:g}",
        hint=remedy,
    )


def _sample(raster: Raster, positions: Sequence[int]) -> npt.NDArray[Any]:
    """Valid pixels (n, bands) of windows spread evenly over a scene; of the first rows that hold any if none do."""
    rows, cols = raster.grid.shape
    found = []
    for top in _spread(rows, _SAMPLES_AN_AXIS):
        for left in _spread(cols, _SAMPLES_AN_AXIS):
            window = Window(left, top, min(_SAMPLE_SIDE, cols - left), min(_SAMPLE_SIDE, rows - top))
            pixels = raster.read(positions, window)
            found.append(pixels.values[:, pixels.valid].T)
    if not any(map(len, found)):
        for window in blocks(raster.grid, raster.block_rows):
            pixels = raster.read(positions, window)
            if pixels.valid.any():
                return pixels.values[:, pixels.valid].T
    together = np.concatenate(found)
    return together[:: len(together) // _SAMPLE_PIXELS + 1]


def sampled(length: int) -> npt.NDArray[np.intp]:
    """The positions along an axis of a scene at which its numbers are looked at, in order.

    Whoever cannot hand over a whole scene hands over these rows and columns of it: of them the same pixels are taken.
    """
    starts = _spread(length, _SAMPLES_AN_AXIS)
    return np.concatenate([np.arange(start, min(start + _SAMPLE_SIDE, length)) for start in starts])


def _spread(length: int, count: int) -> list[int]:
    """Starts of at most `count` windows spread over an axis, without overlap where there is room."""
    if length <= count * _SAMPLE_SIDE:
        return list(range(0, length, _SAMPLE_SIDE))
    starts = [round(i * (length - _SAMPLE_SIDE) / (count - 1)) for i in range(count)]
    return [start // _SAMPLE_SIDE * _SAMPLE_SIDE for start in starts]  # so that each lies in one block of the file
