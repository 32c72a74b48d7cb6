"""Labels beside shores: softened or ignored."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.training.losses.plain import sample, value
from watermap.training.losses import get_loss, ignore_shores, soften_shores


def softened_of(label: Any, px: int, softness: float) -> Any:
    """Reference: pixel by pixel."""
    soft = label.astype(float)
    for patch, row, col in np.ndindex(label.shape):
        code = label[patch, row, col]
        near = label[patch, max(0, row - px) : row + px + 1, max(0, col - px) : col + px + 1]
        if code != 255 and (near == 1 - code).any():
            soft[patch, row, col] = 1 - softness if code else softness
    return soft


@pytest.mark.parametrize("px", [1, 2, 3])
def test_labels_soften_beside_shores_only(px: int) -> None:
    label, _ = sample(4, ignored=0.2)
    label[0] = np.where(label[0] == 255, 255, 0)
    label[1] = np.where(label[1] == 255, 255, np.arange(8) > 3)
    softened = keras.ops.convert_to_numpy(soften_shores(label, px=px, softness=0.1))
    np.testing.assert_allclose(softened, softened_of(label, px, 0.1), atol=1e-6)
    assert len(np.unique(softened[0])) == 2  # no shore, nothing softened


@pytest.mark.parametrize("px", [1, 2, 3])
def test_labels_are_ignored_beside_shores_only(px: int) -> None:
    label, _ = sample(4, ignored=0.2)
    label[0] = np.where(label[0] == 255, 255, 0)
    label[1] = np.where(label[1] == 255, 255, np.arange(8) > 3)
    ignored = keras.ops.convert_to_numpy(ignore_shores(label, px=px))
    beside = ~np.isin(softened_of(label, px, 0.1), (0, 1, 255))
    np.testing.assert_array_equal(ignored, np.where(beside, 255, label))
    assert beside[1].any()
    assert not beside[0].any()
    softened = soften_shores(label, px=px, softness=0.1)
    again = keras.ops.convert_to_numpy(ignore_shores(softened, px=px))
    np.testing.assert_array_equal(again, ignored)


def test_a_softened_loss_is_least_where_the_map_is_as_unsure_as_the_label() -> None:
    label = np.zeros((1, 8, 8), "uint8")
    label[:, :, 4:] = 1
    softened = softened_of(label, 1, 0.1)
    for name in ("cross_entropy", "dice", "tversky"):
        loss = get_loss(name, shore_px=1, shore_softness=0.1)
        assert value(loss, label, softened) < value(loss, label, label.astype("float32")), name
    loss = get_loss("cross_entropy", shore_px=1, shore_softness=0.1)
    entropy = -0.25 * (0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    assert value(loss, label, softened) == pytest.approx(entropy, rel=1e-4)
