"""What a model's probabilities mean on ground that it was not trained on, kept in its bundle."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from watermap.arrays import FloatArray
from watermap.config.former import renamed

_HALVINGS: Final = 40


class Calibration(BaseModel):
    """A rising curve from the probability that a model says to the one that is true.

    Attributes:
        method: `temperature` divides the log-odds by one number, `platt` also shifts them; `isotonic` is the rising
            curve of least squares.
        temperature: that number; above 1 the model was too sure.
        shift: added to the log-odds after that; above 0 the model saw too little water.
        predicted, true: points of the isotonic curve, in [0, 1], straight between them.
        fitted_on: what it was fitted on, and the errors before and after there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["temperature", "platt", "isotonic"]
    temperature: float | None = None
    shift: float = 0.0
    predicted: tuple[float, ...] = ()
    true: tuple[float, ...] = ()
    fitted_on: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _take_former_names(cls, values: Any) -> Any:
        return renamed(values, {"said": "predicted"})

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.method != "isotonic":
            if self.temperature is None or not self.temperature > 0:
                raise ValueError("a temperature above 0 is needed")
        elif (
            len(self.predicted) < 2
            or len(self.predicted) != len(self.true)
            or not _rise(self.predicted)
            or not _rise(self.true)
        ):
            raise ValueError("predicted and true must rise together")
        return self

    @property
    def description(self) -> str:
        """Method and numbers, for people."""
        numbers = [] if self.temperature is None else [f"temperature {self.temperature:.3f}"]
        if self.method == "platt":
            numbers.append(f"shift {self.shift:+.3f}")
        return ", ".join(numbers) or self.method

    def __call__(self, probability: FloatArray) -> FloatArray:
        """The calibrated probabilities, of the same shape, float32."""
        p: FloatArray = np.clip(probability, 0, 1, dtype=np.float32)  # blending rounds
        if self.temperature is None:
            found: FloatArray = np.interp(p, self.predicted, self.true).astype(np.float32)
        else:
            power = np.float32(1 / self.temperature)
            water, land = np.exp(np.float32(self.shift)) * p**power, (1 - p) ** power
            found = (water / (water + land)).astype(np.float32)
        return found

    def inverse(self, probability: float) -> float:
        """The smallest probability, as the model says it, that means at least this one."""
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if float(self(np.array(middle))) >= probability else (middle, high)
        return high


def calibrated(calibration: Calibration | None, probability: FloatArray) -> FloatArray:
    """What a model says, as it is meant, of the same shape; as it is where there is no calibration."""
    return probability if calibration is None else calibration(probability)


def _rise(values: tuple[float, ...]) -> bool:
    steps = np.diff(values)
    return bool((steps >= 0).all() and values[0] >= 0 and values[-1] <= 1)
