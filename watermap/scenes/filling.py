"""What a model is given: a scene's numbers in its own units, and something in place of what is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.bands import Radiometry
from watermap.scenes.radiometry import Statistics, conversion


@dataclass(frozen=True)
class Filling:
    """What a model is given in place of what is not there, by band, in the contract's digital numbers.

    Attributes:
        no_data: of a pixel without data: the training mean, which the model's scaling turns into zero.
        missing: of a band that a scene has not.
    """

    no_data: tuple[float, ...]
    missing: tuple[float, ...]

    @classmethod
    def of(cls, statistics: Statistics, missing: float | None = None) -> Self:
        """That of a model.

        Args:
            statistics: of its training pixels.
            missing: the number by which it knows a missing band; None: it is given the mean there too.
        """
        bands = len(statistics.mean)
        return cls(statistics.mean, statistics.mean if missing is None else (missing,) * bands)


def fill_in(
    image: npt.NDArray[Any], valid: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_], filling: Filling
) -> FloatArray:
    """Patches without gaps.

    Args:
        image: (n, rows, cols, bands), in the contract's digital numbers.
        valid: (n, rows, cols), True where there is data.
        present: (n, bands), True where the patch's scene has the band.
        filling: what is put in place of what is not there.
    """
    filled: FloatArray = image.astype(np.float32)
    if not valid.all():
        filled[~valid] = np.array(filling.no_data, dtype=np.float32)
    for patch, band in np.argwhere(~present):
        filled[patch, ..., band] = filling.missing[band]
    return filled


def to_model(
    values: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_],
    scene: Radiometry,
    expected: Radiometry,
    filling: Filling,
    *,
    channels: Sequence[int],
    out: FloatArray,
) -> None:
    """A window as a model expects it: `to_expected` and `fill_in` at once, bands first, without new memory.

    Args:
        values: (bands there, rows, cols), as stored in the scene.
        valid: (rows, cols), True where there is data.
        scene: what the values mean.
        expected: what the model was trained on.
        filling: what is put in place of what is not there.
        channels: the model's channel that each of the bands is.
        out: (channels, rows, cols), where it goes.
    """
    factor, shift = conversion(scene, expected)
    is_whole = len(channels) == len(out)
    if is_whole:
        out[:] = values
    else:
        for channel, layer in zip(channels, values, strict=True):
            out[channel] = layer
    if factor != 1:
        out *= factor
    if shift:
        out += shift
    if not valid.all():
        np.copyto(out, np.array(filling.no_data, dtype=np.float32)[:, None, None], where=~valid)
    for channel in () if is_whole else set(range(len(out))).difference(channels):
        out[channel] = filling.missing[channel]
