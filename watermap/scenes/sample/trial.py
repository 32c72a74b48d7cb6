"""Settings of a trial on sample scenes: small enough for two cores and a few minutes, and good there."""

from __future__ import annotations

from typing import Final

from watermap.bands import STANDARD_BANDS
from watermap.config import SampleConfig, TileConfig, TrainConfig

SCENES: Final = SampleConfig(scenes=12)
TILE: Final = TileConfig(bands=STANDARD_BANDS, min_water=0, max_water=1)
TRAIN: Final = TrainConfig(encoder="compact", epochs=20, augment="flips")


def kept_apart(config: SampleConfig, first_place: int) -> SampleConfig:
    """Six scenes like those of a trial, of other places."""
    return config.model_copy(update={"scenes": 6, "first_place": first_place})
