"""The contract of a bundle: how to feed its model, where it comes from, how good it is and how sure that is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from watermap.arrays import FloatArray
from watermap.bands import Radiometry
from watermap.bundles.calibration import Calibration, calibrated
from watermap.bundles.imported import ImportedNetwork
from watermap.config.former import renamed
from watermap.config.terms import STRIDE, ThresholdGoal
from watermap.config.train import TrainConfig
from watermap.errors import ModelError, UsageError
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.filling import Filling
from watermap.scenes.radiometry import Statistics

FORMAT_VERSION: Final = 1

Numbers = dict[str, float | int | None]
"""Scores by name; None where nothing speaks for or against."""
Intervals = dict[str, tuple[float, float] | None]
"""95 % intervals of scores by name; None where there is too little to tell."""


class SplitData(BaseModel):
    """The patches of a split.

    Attributes:
        scenes: that they were cut from.
        grounds: pieces of ground that they lie on.
        labels: patches by the kind of their label, e.g. hansen or hand.
        water: mean water fraction; None without patches.
        area_km2: ground that they cover, on the ellipsoid; what several cover counts once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenes: int
    grounds: int
    labels: dict[str, int]
    water: float | None
    area_km2: float


class TrainingData(BaseModel):
    """What a model learned from, was chosen by and was tried on.

    Attributes:
        splits: by name.
        bounds: west, south, east and north in degrees of the training and validation patches; west is greater than
            east where the antimeridian lies between.
        pixel_sizes_m: the smallest and the largest of them, on the ground.
        days: first and last of their scenes, as far as the scenes' names tell; None where none does.
        dated_scenes: scenes whose names tell.
        undated_scenes: the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    splits: dict[str, SplitData]
    bounds: tuple[float, float, float, float]
    pixel_sizes_m: tuple[float, float]
    days: tuple[date, date] | None
    dated_scenes: int
    undated_scenes: int


class Baseline(BaseModel):
    """What a method that needs no training gets on the same pixels.

    Attributes:
        scores: by name.
        intervals: of its scores; empty where they were not computed.
        gain: how much higher the model's water IoU is; None where that cannot be told.
        gain_interval: of it, on the same draws.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: Numbers
    intervals: Intervals = {}
    gain: float | None = None
    gain_interval: tuple[float, float] | None = None


LEAST_GROUNDS: Final = 5
"""Pieces of ground: with fewer, an interval would say more of chance than of the model."""


class Evidence(BaseModel):
    """What the scores of a split rest on.

    Attributes:
        patches: digest of the patch store that holds the split.
        labels: patches of the split by the kind of their label.
        grounds: pieces of ground.
        unit: what was drawn again for the intervals: pieces of ground, or blocks of them where those are too few.
        units: how many there are.
        resamples: how many times the bootstrap drew them.
        intervals: of the scores.
        baselines: by name, e.g. `ndwi`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _take_former_names(cls, values: Any) -> Any:
        return renamed(values, {"draws": "resamples"})

    patches: str
    labels: dict[str, int]
    grounds: int
    unit: Literal["ground", "block"]
    units: int
    resamples: int
    intervals: Intervals
    baselines: dict[str, Baseline]


class Contract(BaseModel):
    """How to feed a model, and where it comes from.

    Attributes:
        format_version: of this record.
        created: UTC, ISO 8601.
        imported_from: where somebody else's network comes from; None: it was trained here.
        arch, encoder: what `watermap.models.build` is asked for; None of an imported network.
        bands: canonical names, in the order of the model's channels.
        optional_bands: those of them that a scene may lack.
        missing: the number by which the model knows a band that is not there; None: it is given the band's mean.
        finest_m: side of the pixels to which finer ones are averaged for the model; None: it is given all as they are.
        scale, offset: the numbers it expects: reflectance = (DN + offset) * scale.
        statistics: of the training pixels, in DN; of an imported network those that its makers state, or else those
            usual on land.
        classes: codes of a water raster; 0 and 1 are also the model's channels.
        parameters: of the network, all of them; None, as all below that may be: the bundle is older than this record.
        flops_per_pixel: its arithmetic, two operations a multiply-add.
        threshold: probability, calibrated if the bundle is, from which a pixel is water.
        threshold_for: what it was chosen for; keep: it was stated.
        calibration: what the model's probabilities mean; None: what they say.
        patch_size: side of a training patch in pixels; None of an imported network.
        fixed_window_px: side of the only windows that the network takes; None: any multiple of `window_multiple_px`.
        window_multiple_px: of which the sides of windows are multiples.
        receptive_field_px: pixels from a window's edge up to which the model misses what lies beyond; None: not
            measured.
        sees_whole_window: whether what it says of a pixel depends on all of its window, so that windows are best as
            large as those that it was trained on.
        trained_on: digest, scenes and split of the patches; empty where they are unknown.
        data: what is known of those patches and their ground.
        training: settings and course of the training; empty where they are unknown.
        scores: by split.
        evidence: by split, how sure they are and what baselines get.
        versions: of the software.
        model_file, model_digest: the network's file and its SHA-256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format_version: int = FORMAT_VERSION
    created: str
    imported_from: ImportedNetwork | None = None
    arch: str | None = None
    encoder: str | None = None
    bands: tuple[str, ...]
    optional_bands: tuple[str, ...] = ()
    missing: float | None = None
    finest_m: float | None = None
    scale: float
    offset: float
    statistics: Statistics
    classes: dict[str, int] = {"land": LAND, "water": WATER, "no_data": NO_DATA}
    parameters: int | None = None
    flops_per_pixel: float | None = None
    threshold: float
    threshold_for: ThresholdGoal | None = None
    calibration: Calibration | None = None
    patch_size: int | None = None
    fixed_window_px: int | None = None
    window_multiple_px: int = STRIDE
    receptive_field_px: int | None = None
    sees_whole_window: bool = False
    trained_on: dict[str, Any] = {}
    data: TrainingData | None = None
    training: dict[str, Any] = {}
    scores: dict[str, Numbers]
    evidence: dict[str, Evidence] = {}
    versions: dict[str, str]
    model_file: str
    model_digest: str

    @model_validator(mode="before")
    @classmethod
    def _take_former_names(cls, values: Any) -> Any:
        return renamed(values, {"reach": "receptive_field_px"})

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = ("arch", "encoder", "patch_size", "trained_on", "training")
        absent = [name for name in needed if name not in self.model_fields_set]
        if self.imported_from is None and absent:
            raise ValueError(f"{', '.join(absent)} missing, though it is not imported")
        return self

    @property
    def radiometry(self) -> Radiometry:
        """What the model expects of a scene's numbers."""
        return Radiometry(self.scale, self.offset)

    @property
    def needed_bands(self) -> tuple[str, ...]:
        """Those that a scene may not lack."""
        return tuple(band for band in self.bands if band not in self.optional_bands)

    @property
    def filling(self) -> Filling:
        """What the model is given in place of what is not there."""
        return Filling.of(self.statistics, self.missing)

    @property
    def network(self) -> str:
        """What it is, for people."""
        if self.imported_from is not None:
            return f"imported from {self.imported_from.file}"
        return f"{self.arch}, encoder {self.encoder}"

    @property
    def trained_patch_size(self) -> int:
        """Side of a training patch in pixels.

        Raises:
            ModelError: the network was not trained here.
        """
        if self.patch_size is None:
            raise ModelError(f"the bundle was {self.network}, which Keras cannot run", hint="use it without Keras")
        return self.patch_size

    @property
    def pixel_sizes_m(self) -> tuple[float, float] | None:
        """The smallest and the largest pixels, in metres on the ground, that it is known to be meant for."""
        if self.data is not None:
            return self.data.pixel_sizes_m
        size = None if self.imported_from is None else self.imported_from.pixel_size_m
        return None if size is None else (size, size)

    @property
    def started_from(self) -> str | None:
        """What training started from: `imagenet`, a weights file, `random weights`, or None where that is unknown."""
        stated = self.training.get("config", {}).get("weights")
        try:
            config = (
                None if stated is None else TrainConfig.model_validate({"weights": stated, "encoder": self.encoder})
            )
        except ValidationError:
            return None
        return None if config is None else config.resolved_weights or "random weights"

    def check_patches(self, folder: Path, bands: tuple[str, ...], radiometry: Radiometry) -> None:
        """Make sure that patches are what the model takes.

        Raises:
            UsageError: they have other bands, or their numbers mean something else.
        """
        if (bands, radiometry) != (self.bands, self.radiometry):
            raise UsageError(
                f"{folder}: bands {', '.join(bands)}, scale {radiometry.scale:g}, offset {radiometry.offset:g} are not "
                f"the bundle's {', '.join(self.bands)}, {self.scale:g}, {self.offset:g}",
                hint=f"tile the scenes with --bands {','.join(self.bands)} and the bundle's scale and offset",
            )

    def check_patch_size(self, folder: Path, patch_size: int) -> None:
        """Make sure that the network takes windows of the size of patches.

        Raises:
            UsageError: it does not.
        """
        fits = self.fixed_window_px is None and patch_size % self.window_multiple_px == 0
        if not fits and patch_size != self.fixed_window_px:
            size = self.fixed_window_px or f"multiples of {self.window_multiple_px}"
            raise UsageError(
                f"{folder}: its patches have sides of {patch_size} pixels, but the network takes windows of {size}",
                hint=f"tile the scenes with --patch-size {self.fixed_window_px or 4 * self.window_multiple_px}",
            )

    def calibrated(self, probability: FloatArray) -> FloatArray:
        """What the model says, as it is meant, of the same shape."""
        return calibrated(self.calibration, probability)
