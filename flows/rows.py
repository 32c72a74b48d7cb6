"""What a run's table says of a scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MADE: Final = "made"
KEPT: Final = "kept"
FAILED: Final = "failed"


@dataclass(frozen=True)
class Row:
    """One scene in one step.

    Attributes:
        scene: its name.
        state: made, kept (it was there, whole and made the same way) or failed.
        note: why it failed, or what it holds.
        water_km2: water area of a prediction, where it was measured.
    """

    scene: str
    state: str
    note: str = ""
    water_km2: float | None = None
