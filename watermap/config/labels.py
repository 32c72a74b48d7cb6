"""Settings of the label lab."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from watermap.config.base import Config
from watermap.config.terms import OFFSET, SCALE


class ConsensusConfig(Config):
    """Settings of making one label of several."""

    agree: int | None = Field(
        None, ge=1, description="Sources that must say the same, and more than say otherwise; not given: all of them."
    )
    ignore_shore_px: int = Field(
        0, ge=0, le=64, description="Pixels around every source's shorelines in which it has no say."
    )


class RefineConfig(Config):
    """Settings of refining a coarse label with its scene's own water index."""

    index: Literal["auto", "mndwi", "ndwi"] = Field(
        "auto", description="What tells water from land; auto: mndwi, or ndwi where there is no B11."
    )
    shore_m: float = Field(
        40.0, gt=0, le=1000, description="Metres around the coarse shoreline in which the index decides."
    )
    offset: float | None = Field(None, le=0, description=OFFSET)
    scale: float | None = Field(None, gt=0, description=SCALE)
