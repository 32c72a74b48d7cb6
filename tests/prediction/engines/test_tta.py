"""Windows seen in all eight ways in which a square can lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from watermap.arrays import FloatArray
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.prediction.engines.choice import open_engine
from watermap.prediction.engines.tta import TRANSFORMS, augmented


def mean_of(compute: Callable[[FloatArray], FloatArray], windows: FloatArray) -> FloatArray:
    """What is said on average over the eight symmetries."""
    found: FloatArray = np.mean(list(augmented(compute, windows)), axis=0)
    return found


def image(*shape: int) -> Any:
    return np.random.default_rng(0).random(shape).astype(np.float32)


def test_what_says_the_same_in_every_direction_stays() -> None:
    windows = image(2, 3, 16, 32)
    np.testing.assert_allclose(mean_of(lambda x: x.mean(axis=1), windows), windows.mean(axis=1), rtol=1e-5)


def test_what_looks_one_way_is_made_to_look_every_way() -> None:
    """A network that looks one pixel to the right looks, on average, to all four sides."""
    windows = image(1, 1, 8, 12)
    found = mean_of(lambda x: np.roll(x[:, 0], -1, axis=-1), windows)
    four = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4
    np.testing.assert_allclose(found[0], ndimage.convolve(windows[0, 0], four, mode="wrap"), rtol=1e-5)


def test_every_symmetry_is_another() -> None:
    seen: set[bytes] = set()

    def compute(windows: Any) -> Any:
        seen.add(windows.tobytes())
        return windows[:, 0]

    mean_of(compute, image(1, 1, 4, 4))
    assert len(seen) == TRANSFORMS


def test_engines_take_them(bundle: Bundle) -> None:
    windows = image(1, 6, 48, 80) * 3000
    one, all_ways = (
        open_engine([bundle], PredictConfig(engine="openvino", precision="float32", tta=tta)) for tta in (False, True)
    )
    assert all_ways.name == "openvino, float32, 8 symmetries"
    assert all_ways.flops_per_pixel == TRANSFORMS * one.flops_per_pixel
    assert all_ways.compute(windows).shape == (1, 48, 80)
    np.testing.assert_allclose(all_ways.compute(windows), mean_of(one.compute, windows), atol=1e-6)
    assert np.abs(all_ways.compute(windows) - one.compute(windows)).max() > 1e-4
