"""Settings of the built-in sample scenes."""

from __future__ import annotations

from pydantic import Field

from watermap.config.base import Config


class SampleConfig(Config):
    """Settings of the built-in sample scenes."""

    scenes: int = Field(8, ge=1, le=1000, description="How many scenes; two dates of each place.")
    size: int = Field(512, ge=128, le=4096, description="Width and height of a scene in pixels.")
    seed: int = Field(0, ge=0, description="The same seed gives the same scenes.")
    first_place: int = Field(0, ge=0, description="Number of the first place; places of other numbers lie elsewhere.")
