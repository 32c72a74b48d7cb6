"""Settings of prediction and of what goes with a water map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from watermap.config.base import Config
from watermap.config.terms import MIN_AREA, OFFSET, SCALE


class PredictConfig(Config):
    """Settings of prediction."""

    former_names: ClassVar[Mapping[str, str]] = {"symmetries": "tta"}

    engine: Literal["auto", "keras", "openvino"] = Field(
        "auto", description="What runs the model; auto: openvino where the bundle is converted, keras on a GPU."
    )
    precision: Literal["auto", "float32", "bfloat16", "int8"] = Field(
        "auto", description="What it computes in; auto: bfloat16 where the processor does and openvino runs the model."
    )
    window: int | None = Field(
        None, ge=32, le=8192, description="Width and height of a window in pixels; not given: what fits memory."
    )
    overlap: int | None = Field(
        None, ge=0, le=4080, description="Pixels that windows share and blend; not given: by the model's field of view."
    )
    batch_size: int | None = Field(None, ge=1, description="Windows that Keras predicts at once; fewer if memory ends.")
    tta: bool = Field(
        False, description="Average over the eight turns and flips of each window: surer, for eight times the work."
    )
    threshold: float | None = Field(
        None, gt=0, lt=1, description="Probability from which a pixel is water; not given: the bundle's."
    )
    min_area_m2: float = Field(0.0, ge=0, description=MIN_AREA)
    probability: Literal["none", "percent", "float"] = Field(
        "none", description="Also write the probability: whole percent (uint8) or float32."
    )
    uncertainty: bool = Field(
        False,
        description="Also write how unsure each pixel is, in percent of one bit; with --tta or several bundles "
        "also how much of that they disagree about.",
    )
    sure_from: float | None = Field(
        None,
        gt=0.5,
        lt=1,
        description="Also write why pixels are not to be trusted: no data, cloud, or neither class as likely as this.",
    )
    offset: float | None = Field(None, le=0, description=OFFSET)
    scale: float | None = Field(None, gt=0, description=SCALE)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.window is not None and self.overlap is not None and 2 * self.overlap >= self.window:
            raise ValueError(f"overlap {self.overlap} must be less than half of window {self.window}")
        if self.precision == "int8" and self.engine == "keras":
            raise ValueError("int8 needs openvino: Keras computes in float32 or bfloat16")
        if self.batch_size is not None and self.engine == "openvino":
            raise ValueError("batch_size is for keras: openvino computes one window at a time")
        return self


class VectorizeConfig(Config):
    """Settings of making polygons of water."""

    min_area_m2: float = Field(0.0, ge=0, description="Bodies whose pixels cover less than this are left out.")
    simplify_m: float = Field(
        0.0, ge=0, description="Points within so many metres of the shore without them are left out; 0: none."
    )
    smooth: bool = Field(False, description="Round the stairs of pixels; areas are kept.")


class ProductConfig(Config):
    """What goes with a water map."""

    style: bool = Field(True, description="Styles for QGIS beside the rasters.")
    quicklook: bool = Field(True, description="A picture of the scene with its water.")
    stac: bool = Field(True, description="A STAC item that names what the map was made of.")
    polygons: bool = Field(False, description="A GeoPackage of the water bodies.")
