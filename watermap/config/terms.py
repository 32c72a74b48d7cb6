"""Words and numbers that several stages' settings use."""

from __future__ import annotations

from typing import Final, Literal

Preset = Literal["reference", "fast"]
"""How much a decoder computes."""

Precision = Literal["float32", "bfloat16", "int8"]
"""What a model computes in."""

STRIDE: Final = 16
"""Image pixels a pixel of an encoder's deepest features: sides of patches and windows are multiples of it."""

CalibrationMethod = Literal["auto", "none", "temperature", "platt", "isotonic"]
CALIBRATE: Final = (
    "Curve that makes probabilities mean what they say, fitted on validation patches; auto: the one that fits best "
    "where it was not fitted, or none."
)
ThresholdGoal = Literal["keep", "iou", "f1", "area"]
THRESHOLD_FOR: Final = (
    "What the threshold is chosen for on validation patches: the largest water IoU, the largest F1 of both classes, "
    "or as much water as there is; keep: the one stated, moved along with the curve, so that maps stay as they are "
    "(but for a few pixels on level parts of an isotonic curve)."
)
OFFSET: Final = (
    "DN added to every pixel before scaling: -1000 for raw L2A from baseline 04.00 on; not given: what the file says."
)
MIN_AREA: Final = (
    "Water bodies (pixels that share a side) that cover less than this on the ground become land in the water raster."
)
SCALE: Final = "Reflectance of one DN: 0.0001 for Sentinel-2 products; not given: what the file says."
SENSOR: Final = "Whose bands and numbers the scene holds; not given: what its files say (watermap help sensors)."
