"""Water maps of scenes of any size."""

import warnings
from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """What the README of 0.1.0 imported from here; it goes with the next release."""
    if name not in ("Prediction", "predict_scene"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = "watermap.prediction.scene"
    text = f"watermap.prediction.{name} is now {place}.{name}; its former place goes with the next release"
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    found = globals()[name] = getattr(import_module(place), name)  # an import asks twice, and is warned once
    return found
