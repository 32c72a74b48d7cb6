"""What is known of somebody else's network that became a bundle, kept in its contract."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from watermap.bands import Radiometry
from watermap.scenes.radiometry import Statistics

_USUAL_MEAN: Final = 0.15
_USUAL_STD: Final = 0.1
"""Of the reflectance of land between deserts and forests, in any band: with nothing stated, a scene is taken for one of
reflectance where its darkest pixels lie within 0.08 of 0 and its brightest do not exceed 15 times 0.38."""
_STD_TO_ENDS: Final = {"low": -3.09, "dark": -2.576, "bright": 2.326, "high": 3.09}
"""Standard deviations from the mean to the percentiles of `Statistics`, were reflectance distributed normally."""

InputLayout = Literal["nchw", "nhwc"]
Activation = Literal["softmax", "sigmoid", "none"]
Against = Literal["likeliest", "all"]


class ImportedNetwork(BaseModel):
    """Where an imported network comes from, and how its numbers are read.

    Attributes:
        file, digest: name and SHA-256 of the file that was imported.
        layout: of its input: bands before rows and columns, or after them.
        output: the output that is read, by its name.
        classes: channels of that output; None: it gives a class of each pixel, no probabilities.
        water_class: the one that is water, from 0.
        activation: what was put behind the output.
        against: what water is weighed against where classes exclude each other: the likeliest other one, so that
            pixels get the network's own class, or all others together; None where there is nothing to choose.
        mean, std: by band, in reflectance: the network is given (reflectance - mean) / std; None: the reflectance.
        pixel_size_m: side of the pixels that it is meant for; None: nobody has said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    digest: str
    layout: InputLayout
    output: str
    classes: int | None
    water_class: int
    activation: Activation
    against: Against | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    pixel_size_m: float | None


def assumed_statistics(
    bands: int, radiometry: Radiometry, mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> Statistics:
    """Statistics that stand in for those of training pixels, which nobody knows.

    Args:
        bands: how many.
        radiometry: of the bundle's digital numbers.
        mean: of reflectance by band, as the network's makers state it; None: that usual on land.
        std: as mean.
    """
    middle = np.array(mean or (_USUAL_MEAN,) * bands)
    spread = np.array(std or (_USUAL_STD,) * bands)

    def numbers(reflectance: npt.NDArray[np.float64]) -> tuple[float, ...]:
        return tuple(map(float, reflectance / radiometry.scale - radiometry.offset))

    ends = {name: numbers(np.maximum(middle + steps * spread, 0)) for name, steps in _STD_TO_ENDS.items()}
    return Statistics(mean=numbers(middle), std=tuple(map(float, spread / radiometry.scale)), **ends)
