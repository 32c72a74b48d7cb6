"""Settings of a sample that tells how good a map is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import Field, field_validator, model_validator

from watermap.config.base import Config

WATER_THOUGHT: Final = (0.9, 0.15, 0.02)
"""The share of water, of the land beside it and of other land that is thought to be water before anybody has looked."""

_Share = Annotated[float, Field(gt=0, lt=1)]


class DesignConfig(Config):
    """Settings of a sample that tells how good a map is."""

    n: int | None = Field(None, ge=6, le=100_000, description="Samples to draw.")
    error: float | None = Field(
        None,
        gt=0,
        lt=100,
        description="Instead of --n: as many samples as make the 95 % margin of the water area so many percent of the "
        "mapped water area, if the map is as good as thought.",
    )
    shore_px: int = Field(2, ge=1, le=100, description="Land as near to water as this is a stratum of its own.")
    least: int = Field(50, ge=2, le=10_000, description="Samples of each stratum at least.")
    water_shares: tuple[_Share, _Share, _Share] = Field(
        WATER_THOUGHT,
        description="How much of what is mapped as water, of the land beside it and of other land is thought to be "
        "water in truth; a first sample tells better.",
    )
    seed: int = Field(0, ge=0, description="The same seed draws the same samples.")

    @classmethod
    def _without_overruled(cls, values: dict[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
        """Without a file's n where an error is stated, and the other way round."""
        sizes = ("n", "error")
        if all(stated.get(name) is None for name in sizes):
            return values
        return {name: value for name, value in values.items() if name not in sizes}

    @field_validator("water_shares", mode="before")
    @classmethod
    def _three(cls, value: Any) -> Any:
        given = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if isinstance(given, (list, tuple)) and len(given) != len(WATER_THOUGHT):
            raise ValueError("three are needed: of water, of land beside it, of other land, e.g. 0.9,0.15,0.002")
        return given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.n is None) == (self.error is None):
            both = "n and error are two ways" if self.n is not None else "--n or --error is needed"
            raise ValueError(f"{both} to say how many samples: give --error 10 for ± 10 %, or --n 300")
        return self
