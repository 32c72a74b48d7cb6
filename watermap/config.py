"""The settings of every stage: one frozen model each, the same for TOML files, flags and flow parameters."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from watermap.bands import TRUE_COLOR
from watermap.errors import UsageError


class Config(BaseModel):
    """What all stages' settings share: immutable, no unknown names, a digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def digest(self) -> str:
        """Twelve hex digits that change when any setting does."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

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
            values = dict(_read_toml(path))
            values = dict(values.get(section, values))
        values.update({name: value for name, value in stated.items() if value is not None})
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or cls.__name__
            reason = first["msg"].removeprefix("Value error, ")
            where = f"{path}: " if path is not None else ""
            raise UsageError(f"{where}{name}: {reason}") from error


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="check the path of the configuration") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file ({error})") from error


class SampleConfig(Config):
    """Settings of the built-in sample scenes."""

    scenes: int = Field(8, ge=1, le=1000, description="How many scenes; two dates of each place.")
    size: int = Field(512, ge=128, le=4096, description="Width and height of a scene in pixels.")
    seed: int = Field(0, ge=0, description="The same seed gives the same scenes.")


class TileConfig(Config):
    """Settings of cutting scenes into patches."""

    patch_size: int = Field(128, ge=16, le=2048, description="Width and height of a patch in pixels.")
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
    seed: int = Field(0, ge=0, description="Seed of corners and split.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_water > self.max_water:
            raise ValueError(f"min_water {self.min_water} is above max_water {self.max_water}")
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nothing to train on")
        return self
