"""The rasters that a scene is mapped in, and what is written in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.config import PredictConfig
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout
from watermap.io.paths import local
from watermap.io.products import SceneFiles
from watermap.legend import NO_DATA
from watermap.prediction.engines.ensemble import entropy_bits
from watermap.prediction.windows import Strip
from watermap.scenes.find import output_name

WATER_END: Final = "water"
PROBABILITY_END: Final = "probability"
UNCERTAINTY_END: Final = "uncertainty"
REASON_END: Final = "reason"
OTHER_ENDS: Final = (PROBABILITY_END, UNCERTAINTY_END, REASON_END)
"""Of the names of what may lie beside a water raster."""

PERCENT_LAYOUT: Final = RasterLayout(
    "uint8", ("probability of water in percent",), NO_DATA, "average", value_range=(0, 100)
)
FLOAT_LAYOUT: Final = RasterLayout("float32", ("probability of water",), float("nan"), "average", value_range=(0, 1))

_ENTROPY: Final = "uncertainty in percent of one bit"
_DISAGREEMENT: Final = "disagreement in percent of one bit"
UNCERTAINTY_LAYOUT: Final = RasterLayout("uint8", (_ENTROPY,), NO_DATA, "average", value_range=(0, 100))
ENSEMBLE_LAYOUT: Final = RasterLayout("uint8", (_ENTROPY, _DISAGREEMENT), NO_DATA, "average", value_range=(0, 100))

SURE: Final = 0
UNSURE: Final = 1
CLOUD: Final = 2
REASON_LAYOUT: Final = RasterLayout(
    "uint8",
    ("why not to be trusted",),
    None,  # no data is one of the reasons, and shown
    "nearest",
    {SURE: (0, 0, 0, 0), UNSURE: (230, 126, 34, 255), CLOUD: (190, 190, 200, 255), NO_DATA: (90, 90, 90, 255)},
    classes={SURE: "sure", UNSURE: "low confidence", CLOUD: "cloud", NO_DATA: "no data"},
)

Encode = Callable[[Strip, npt.NDArray[np.uint8]], npt.NDArray[Any]]
"""(strip, reasons (rows, cols)) to (bands, rows, cols) of the layout's type."""


def rasters(
    config: PredictConfig, *, has_disagreement: bool, has_reasons: bool
) -> Mapping[str, tuple[RasterLayout, Encode]]:
    """What is written besides the water raster, by the end of its name."""
    found: dict[str, tuple[RasterLayout, Encode]] = {}
    if config.probability == "percent":
        found[PROBABILITY_END] = PERCENT_LAYOUT, lambda strip, _: _percent(strip.probability, strip)[None]
    elif config.probability == "float":
        found[PROBABILITY_END] = FLOAT_LAYOUT, lambda strip, _: _float(strip)
    if config.uncertainty:
        found[UNCERTAINTY_END] = (ENSEMBLE_LAYOUT if has_disagreement else UNCERTAINTY_LAYOUT), _uncertainty
    if has_reasons:
        found[REASON_END] = REASON_LAYOUT, lambda _, reasons: reasons[None]
    return found


def raster_path(out: Path, scene: SceneFiles, end: str) -> Path:
    """Where a scene's raster goes: `NAME_END.tif`.

    Raises:
        UsageError: the folder does not lie on this machine.
    """
    return local(out) / f"{output_name(scene)}_{end}.tif"


def layout_of(end: str, bands: int, dtype: str) -> RasterLayout:
    """The layout of a raster that was written, by the end of its name."""
    if end == PROBABILITY_END:
        return PERCENT_LAYOUT if dtype == PERCENT_LAYOUT.dtype else FLOAT_LAYOUT
    if end == UNCERTAINTY_END:
        return UNCERTAINTY_LAYOUT if bands == 1 else ENSEMBLE_LAYOUT
    return REASON_LAYOUT if end == REASON_END else LABEL_LAYOUT


def reasons_of(strip: Strip, cloud: npt.NDArray[np.bool_] | None, sure_from: float | None) -> npt.NDArray[np.uint8]:
    """Why pixels are not to be trusted, (rows, cols).

    Args:
        strip: probability and validity.
        cloud: (rows, cols), where it is known.
        sure_from: probability of the likelier class below which a pixel is unsure; None: none is.
    """
    reasons = np.full(strip.valid.shape, SURE, dtype=np.uint8)
    if sure_from is not None:
        reasons[np.abs(strip.probability - 0.5) < sure_from - 0.5] = UNSURE
    if cloud is not None:
        reasons[cloud] = CLOUD
    reasons[~strip.valid] = NO_DATA
    return reasons


def _uncertainty(strip: Strip, _: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    entropy = entropy_bits(strip.probability)
    if strip.answer_entropy is None:
        return _percent(entropy, strip)[None]
    return np.stack([_percent(entropy, strip), _percent(entropy - strip.answer_entropy, strip)])


def _percent(values: npt.NDArray[np.float32], strip: Strip) -> npt.NDArray[np.uint8]:
    return np.where(strip.valid, np.rint(np.clip(values, 0, 1) * 100), NO_DATA).astype(np.uint8)


def _float(strip: Strip) -> npt.NDArray[Any]:
    return np.where(strip.valid, strip.probability, np.float32("nan")).astype(np.float32)[None]
