"""Settings of cutting scenes into patches."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from watermap.config.base import Config
from watermap.config.terms import OFFSET, SCALE, STRIDE


class TileConfig(Config):
    """Settings of cutting scenes into patches."""

    patch_size: int = Field(
        128, ge=STRIDE, le=2048, multiple_of=STRIDE, description="Side of a patch in pixels, a multiple of 16."
    )
    bands: tuple[str, ...] = Field(
        (), description="Bands of a patch, in order; not given: those of B2, B3, B4, B8, B11, B12 that scenes have."
    )
    optional_bands: tuple[str, ...] = Field(
        (), description="Those of the bands that a scene may lack; where bands are not given, all that some lack."
    )
    min_water: float = Field(0.3, ge=0, le=1, description="Least water fraction of a patch's valid pixels.")
    max_water: float = Field(0.7, ge=0, le=1, description="Greatest water fraction of a patch's valid pixels.")
    min_valid: float = Field(0.5, gt=0, le=1, description="Least fraction of pixels with image and label.")
    sampling: Literal["random", "grid"] = Field(
        "random",
        description="Corners of training patches; validation and test patches always lie on a regular grid.",
    )
    density: float = Field(1.5, gt=0, le=20, description="Random corners tried for each patch area of the ground.")
    split_by: Literal["ground", "scene"] = Field("ground", description="What a split never shares.")
    block_patches: int = Field(4, ge=1, le=64, description="Side of a ground block in patches.")
    validation: float = Field(0.15, ge=0, lt=1, description="Share of patches for validation.")
    test: float = Field(0.15, ge=0, lt=1, description="Share of patches for testing.")
    offset: float | None = Field(None, le=0, description=OFFSET)
    scale: float | None = Field(None, gt=0, description=SCALE)
    seed: int = Field(0, ge=0, description="Seed of corners and split.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        extra = [band for band in self.optional_bands if band not in self.bands]
        if extra:
            raise ValueError(f"optional_bands {', '.join(extra)} are not among bands {', '.join(self.bands) or '()'}")
        if self.min_water > self.max_water:
            raise ValueError(f"min_water {self.min_water} is above max_water {self.max_water}")
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nothing to train on")
        return self
