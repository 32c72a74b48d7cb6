"""The settings of every stage: one frozen model each, the same for TOML files, flags and flow parameters."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from watermap.bands import STANDARD_BANDS, TRUE_COLOR, parse_bands
from watermap.errors import UsageError
from watermap.tables import read_table

Preset = Literal["reference", "fast"]
"""How much a decoder computes."""

Precision = Literal["float32", "bfloat16", "int8"]
"""What a model computes in."""

STRIDE: Final = 16
"""Image pixels a pixel of an encoder's deepest features: sides of patches and windows are multiples of it."""


class Config(BaseModel):
    """What all stages' settings share: immutable, no unknown names, a digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def digest(self) -> str:
        """Twelve hex digits that change when any setting does."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def _outdone(cls, values: dict[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG003 (a child looks at them)
        """A file's settings without those that stated ones rule out."""
        return values

    @classmethod
    def load(cls, path: Path | None = None, *, section: str = "", **stated: Any) -> Self:
        """Settings from a TOML file, with those stated by the caller on top.

        Args:
            path: a TOML file, or None for the defaults.
            section: the table of the file that holds this stage; a file without it is read as a whole.
            stated: settings given by flag; None means not given.

        Raises:
            UsageError: the file cannot be read, or a setting is unknown or out of bounds.
        """
        values: dict[str, Any] = {}
        if path is not None:
            values = read_table(path, section)
        values = cls._outdone(values, stated)
        values.update({name: value for name, value in stated.items() if value is not None})
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            unknown = first["type"] == "extra_forbidden"
            missing = first["type"] == "missing"
            reason = "no such setting" if unknown else first["msg"].removeprefix("Value error, ")
            reason = "is needed" if missing else reason
            flags = [flag for flag, value in stated.items() if value is not None]
            where = f"{path}: " if path is not None and (name not in flags if name else not flags) else ""
            raise UsageError(f"{where}{name}{': ' if name else ''}{reason}") from error


_OFFSET: Final = (
    "DN added to every pixel before scaling: -1000 for raw L2A from baseline 04.00 on; not given: what the file says."
)
_SCALE: Final = "Reflectance of one DN: 0.0001 for Sentinel-2 products; not given: what the file says."


class SampleConfig(Config):
    """Settings of the built-in sample scenes."""

    scenes: int = Field(8, ge=1, le=1000, description="How many scenes; two dates of each place.")
    size: int = Field(512, ge=128, le=4096, description="Width and height of a scene in pixels.")
    seed: int = Field(0, ge=0, description="The same seed gives the same scenes.")
    first_place: int = Field(0, ge=0, description="Number of the first place; places of other numbers lie elsewhere.")


class EarthEngineConfig(Config):
    """How Earth Engine is reached: who asks, where, how often and how patiently."""

    project: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$",
        description="Google Cloud project that pays; not given: the login's own.",
    )
    key: Path | None = Field(None, description="Service-account key (JSON); not given: the machine's login.")
    requests: int = Field(8, ge=1, le=40, description="Requests in flight at once; Earth Engine allows 40.")
    request_mib: float = Field(
        32.0, gt=0, le=48, description="Pixels asked for at once in MiB; Earth Engine allows 48."
    )
    timeout_s: float = Field(
        330.0, gt=0, le=86_400, description="Seconds to wait for one answer; Earth Engine gives up at 300."
    )
    patience_s: float = Field(
        600.0, ge=0, le=604_800, description="Seconds to go on trying where the service is busy or away."
    )
    poll_s: float = Field(20.0, gt=0, le=86_400, description="Seconds between two looks at a running export.")
    service_url: str = Field(
        "https://earthengine-highvolume.googleapis.com", description="Address of the Earth Engine service."
    )
    storage_url: str = Field("https://storage.googleapis.com", description="Address of Cloud Storage.")


_FIRST_DAY: Final = datetime.date(2015, 6, 23)
_LAST_DAY: Final = datetime.date(2100, 1, 1)


def _stated_otherwise() -> datetime.date:
    """Stands for a day while `last_days`, which is out of bounds, is reported."""
    return _LAST_DAY


class ExportConfig(Config):
    """Settings of bringing scenes from Earth Engine."""

    start: datetime.date = Field(
        default_factory=_stated_otherwise, ge=_FIRST_DAY, le=_LAST_DAY, description="First day, e.g. 2023-06-01."
    )
    end: datetime.date = Field(default_factory=_stated_otherwise, le=_LAST_DAY, description="Last day, included.")
    last_days: int | None = Field(
        None, ge=1, le=36_500, description="Instead of first and last day: so many days up to today (UTC)."
    )
    bands: tuple[str, ...] = Field(STANDARD_BANDS, min_length=1, description="Bands of the image, in order.")
    max_cloud: float = Field(1.0, ge=0, le=100, description="Greatest cloud cover of a scene in percent.")
    cloud_score: float | None = Field(
        None, gt=0, lt=1, description="Pixels with a Cloud Score+ below this become no data, e.g. 0.6; not given: none."
    )
    composite: Literal["none", "median"] = Field(
        "none", description="Every scene for itself, or one median image of the whole period."
    )
    label: Literal["hansen", "jrc", "dynamic-world", "worldcover", "consensus", "none"] = Field(
        "hansen", description="Where the labels come from; consensus: all four, where they agree."
    )
    hansen_asset: str = Field(
        "UMD/hansen/global_forest_change_2025_v1_13", description="Version of Hansen's map; its datamask is the label."
    )
    limit: int | None = Field(None, ge=1, description="At most so many scenes, the least cloudy ones.")
    scene_size: int = Field(
        10_980, ge=64, le=32_768, description="Greatest width and height of a scene; larger areas are split."
    )
    to: Literal["local", "gcs", "drive"] = Field(
        "local", description="Straight to this machine, by way of Cloud Storage, or to Google Drive."
    )
    bucket: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$", description="Cloud Storage bucket, for --to gcs."
    )
    folder: str = Field(
        "watermap",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9 ._/-]*[A-Za-z0-9._-])?$",
        description="Folder in the bucket or on Drive.",
    )

    @classmethod
    def _outdone(cls, values: dict[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
        days = {"start", "end"}
        if stated.get("last_days") is not None:
            return {name: value for name, value in values.items() if name not in days}
        if any(stated.get(name) is not None for name in days):
            return {name: value for name, value in values.items() if name != "last_days"}
        return values

    @model_validator(mode="before")
    @classmethod
    def _period(cls, values: Any) -> Any:
        """First and last day, where `last_days` says them; what is kept is always the days themselves."""
        if not isinstance(values, dict):
            return values
        days = values.get("last_days")
        stated = [name for name in ("start", "end") if values.get(name) is not None]
        if days is None and len(stated) < 2:
            raise ValueError("a period is needed, start and end, or last_days")
        if days is not None and stated:
            raise ValueError(f"last_days and {stated[0]} are two periods, state one")
        if days is None:
            return values
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 36_500:
            raise ValueError(f"last_days: {days!r} is no number of days from 1 to 36500")
        today = datetime.datetime.now(datetime.UTC).date()
        start = max(_FIRST_DAY, today - datetime.timedelta(days=days))
        return {**values, "last_days": None, "start": start, "end": today}

    @field_validator("start", "end", mode="before")
    @classmethod
    def _plain_date(cls, value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise ValueError(f"{value!r} is no date, write it as 2023-06-01")
        return value

    @field_validator("bands")
    @classmethod
    def _known_bands(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return parse_bands(",".join(value))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        if "B10" in self.bands:
            raise ValueError("surface reflectance has no band B10")
        if self.to == "gcs" and self.bucket is None:
            raise ValueError("to gcs needs a bucket")
        return self


class TileConfig(Config):
    """Settings of cutting scenes into patches."""

    patch_size: int = Field(
        128, ge=STRIDE, le=2048, multiple_of=STRIDE, description="Side of a patch in pixels, a multiple of 16."
    )
    bands: tuple[str, ...] = Field(TRUE_COLOR, min_length=1, description="Bands of a patch, in order.")
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
    offset: float | None = Field(None, le=0, description=_OFFSET)
    scale: float | None = Field(None, gt=0, description=_SCALE)
    seed: int = Field(0, ge=0, description="Seed of corners and split.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_water > self.max_water:
            raise ValueError(f"min_water {self.min_water} is above max_water {self.max_water}")
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nothing to train on")
        return self


class StageConfig(Config):
    """One stage of training: what is trained, how fast, how long."""

    name: str = Field(description="Name shown in the history.")
    share: float = Field(1.0, gt=0, description="Share of the epochs, relative to the other stages.")
    loss: Literal["cross_entropy", "dice", "cross_entropy_dice"] = Field(
        "cross_entropy_dice", description="What is minimised."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Adam's rate at the start of the stage.")
    train_encoder_from: int | Literal["all", "none"] = Field(
        "all", description="Encoder layers trained: all, none, or those from this index on (batch norm frozen)."
    )


FROM_SCRATCH = (StageConfig(name="train", learning_rate=1e-3, train_encoder_from="all"),)
"""One stage for weights that start at random: nothing worth freezing."""

FROM_PRETRAINED = (
    StageConfig(name="frozen", share=3, loss="cross_entropy", learning_rate=1e-4, train_encoder_from="none"),
    StageConfig(name="frozen_dice", share=2, learning_rate=1e-5, train_encoder_from="none"),
    StageConfig(name="fine_tune", share=1, learning_rate=1e-5, train_encoder_from=100),
)
"""The reference recipe: 30 epochs cross-entropy, 20 with Dice, 10 with the encoder open from layer 100 of 143."""


class TrainConfig(Config):
    """Settings of training."""

    arch: Literal["unet", "attention_unet"] = Field("unet", description="Architecture.")
    encoder: Literal["resnet50", "compact"] = Field("resnet50", description="Encoder; compact is made for CPUs.")
    preset: Preset = Field("reference", description="Decoder; fast: a fifth of the arithmetic with resnet50.")
    weights: str = Field("auto", description="imagenet, none, or a weights file; auto: imagenet for resnet50.")
    epochs: int = Field(60, ge=1, le=10_000, description="Passes over the training patches, all stages together.")
    batch_size: int = Field(16, ge=1, le=4096, description="Patches a step.")
    patience: int = Field(10, ge=1, description="Epochs without a better validation loss that end a stage.")
    augment: Literal["recipe", "flips", "none"] = Field(
        "recipe", description="Changes made to training patches: the full recipe, flips and turns only, or none."
    )
    stages: tuple[StageConfig, ...] = Field((), description="Stages; empty: chosen by the weights.")
    threshold: float = Field(0.5, gt=0, lt=1, description="Probability from which a pixel is water.")
    seed: int = Field(0, ge=0, description="Seed of weights, order and augmentation.")

    @property
    def resolved_weights(self) -> str | None:
        """Weights to start from: `imagenet`, a path, or None for random ones."""
        if self.weights == "auto":
            return "imagenet" if self.encoder == "resnet50" else None
        return None if self.weights == "none" else self.weights

    @property
    def resolved_stages(self) -> tuple[StageConfig, ...]:
        """The stages to run."""
        return self.stages or (FROM_SCRATCH if self.resolved_weights is None else FROM_PRETRAINED)

    def stage_epochs(self) -> list[int]:
        """Epochs of each stage: the total shared out, at least one each."""
        stages = self.resolved_stages
        whole = sum(stage.share for stage in stages)
        ends = [round(self.epochs * sum(s.share for s in stages[: i + 1]) / whole) for i in range(len(stages))]
        return [max(1, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


class PredictConfig(Config):
    """Settings of prediction."""

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
    threshold: float | None = Field(
        None, gt=0, lt=1, description="Probability from which a pixel is water; not given: the bundle's."
    )
    probability: Literal["none", "percent", "float"] = Field(
        "none", description="Also write the probability: whole percent (uint8) or float32."
    )
    offset: float | None = Field(None, le=0, description=_OFFSET)
    scale: float | None = Field(None, gt=0, description=_SCALE)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.window is not None and self.overlap is not None and 2 * self.overlap >= self.window:
            raise ValueError(f"overlap {self.overlap} must be less than half of window {self.window}")
        if self.precision == "int8" and self.engine == "keras":
            raise ValueError("int8 needs openvino: Keras computes in float32 or bfloat16")
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
