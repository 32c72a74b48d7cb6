"""Now `watermap.prediction.predictor`."""

from watermap._former import moved

__getattr__ = moved("watermap.predictor", "watermap.prediction.predictor")
