"""Bundles whose networks are known by heart, so that tests know the right answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle, save_bundle
from watermap.scenes.radiometry import Statistics

GAIN = 0.01
"""Logit of a DN by which green is brighter than short-wave infrared."""

STATISTICS = Statistics(
    mean=(1000.0,) * 6, std=(800.0,) * 6, low=(100.0,) * 6, high=(3000.0,) * 6, dark=(150.0,) * 6, bright=(2500.0,) * 6
)


def known_network(radius: int = 0, size: int = 64, green_above: float | None = None) -> keras.Model:
    """Softmax of GAIN * (B3 - B11), after `radius` means over 3 x 3 pixels, so far its view reaches.

    With `green_above`, of GAIN * (B3 - green_above): sensitive to offset and scale.
    """
    image = keras.Input((size, size, 6), name="image")
    x = image
    for _ in range(radius):
        layer = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)
        x = layer(x)
        layer.set_weights([np.full((3, 3, 6, 1), 1 / 9, dtype=np.float32)])
    head = keras.layers.Conv2D(2, 1, activation="softmax", dtype="float32", name="probability")
    model = keras.Model(image, head(x))
    kernel = np.zeros((1, 1, 6, 2), dtype=np.float32)
    kernel[0, 0, STANDARD_BANDS.index("B3"), 1] = GAIN
    bias = np.zeros(2, dtype=np.float32)
    if green_above is None:
        kernel[0, 0, STANDARD_BANDS.index("B11"), 1] = -GAIN
    else:
        bias[1] = -GAIN * green_above
    head.set_weights([kernel, bias])
    return model


def known_probability(image: npt.NDArray[Any], valid: npt.NDArray[np.bool_], radius: int = 0) -> npt.NDArray[Any]:
    """What the known network says of an image (bands, rows, cols), away from the border."""
    values = np.where(valid, image.astype(np.float64), STATISTICS.mean[0])
    for _ in range(radius):
        values = ndimage.uniform_filter(values, (0, 3, 3), mode="constant")
    logit = GAIN * (values[STANDARD_BANDS.index("B3")] - values[STANDARD_BANDS.index("B11")])
    probability: npt.NDArray[Any] = 1 / (1 + np.exp(-logit))
    return probability


def make_bundle(folder: Path, *, radius: int = 0, green_above: float | None = None, **contract: Any) -> Bundle:
    """Save a known network as a bundle that was 'trained' on plain Sentinel-2 numbers."""
    fields: dict[str, Any] = {
        "arch": "unet",
        "encoder": "compact",
        "bands": STANDARD_BANDS,
        "scale": 1e-4,
        "offset": 0.0,
        "statistics": STATISTICS,
        "threshold": 0.5,
        "patch_size": 64,
        "trained_on": {"patches": "0" * 64, "counts": {}, "scenes": {}},
        "training": {"run": "known"},
        "scores": {},
    }
    return save_bundle(folder, known_network(radius, green_above=green_above), **(fields | contract))
