"""Settings of index maps."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from watermap.config.base import Config
from watermap.config.terms import MIN_AREA, OFFSET, SCALE
from watermap.errors import did_you_mean

IndexName = Literal["ndwi", "mndwi", "awei_sh", "awei_nsh", "ndvi"]
ThresholdRule = Literal["otsu", "edge-otsu"]

_RULES = ("otsu", "edge-otsu")


class IndexConfig(Config):
    """Settings of index maps."""

    index: IndexName = Field(
        "ndwi", description="Which: NDWI is McFeeters', of green and near infrared; watermap help index has all."
    )
    threshold: float | ThresholdRule | None = Field(
        None,
        description="Also map water: what lies above it (of NDVI below); 0, another value, or otsu or edge-otsu, which "
        "find one for each scene.",
    )
    min_area_m2: float = Field(0.0, ge=0, description=MIN_AREA)
    offset: float | None = Field(None, le=0, description=OFFSET)
    scale: float | None = Field(None, gt=0, description=SCALE)

    @field_validator("threshold", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if value is None or value in _RULES:
            return value
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            near = did_you_mean(str(value), _RULES)
            raise ValueError(f"{value!r} is no number and no rule; {near or 'give 0, otsu or edge-otsu'}")
        return number

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_area_m2 and self.threshold is None:
            raise ValueError("min_area_m2 is of water bodies, which only a threshold gives")
        return self
