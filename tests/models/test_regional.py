"""Means of regions of the window, and their way back, beside numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import plain
from tests.models.numbers import features, numbers
from watermap.models.regional import AdaptiveAveragePooling, ResizeLike

SIZES = st.integers(1, 20)


LIMIT = settings(max_examples=25, deadline=None)  # the first call of an operation takes longer than the rest


@LIMIT
@given(rows=SIZES, cols=SIZES, bins=st.sampled_from([1, 2, 3, 6]))
def test_adaptive_pooling_averages_each_region(rows: int, cols: int, bins: int) -> None:
    x = features(2, rows, cols, 3)
    found = numbers(AdaptiveAveragePooling(bins)(x))
    assert found.shape == (2, bins, bins, 3)
    for i in range(bins):
        for j in range(bins):
            top, bottom = i * rows // bins, -(-(i + 1) * rows // bins)
            left, right = j * cols // bins, -(-(j + 1) * cols // bins)
            np.testing.assert_allclose(found[:, i, j], x[:, top:bottom, left:right].mean(axis=(1, 2)), atol=1e-5)


@pytest.mark.parametrize(("bins", "factor"), [(1, 5), (2, 4), (3, 2), (6, 1), (6, 3)])
def test_resizing_is_bilinear(bins: int, factor: int) -> None:
    x = features(2, bins, bins, 3)
    like = np.zeros((2, bins * factor, bins * factor, 7), "float32")
    np.testing.assert_allclose(numbers(ResizeLike()([x, like])), plain.enlarge(x, factor), atol=1e-6)


@LIMIT
@given(rows=SIZES, cols=SIZES)
def test_resizing_to_any_size_keeps_a_constant(rows: int, cols: int) -> None:
    found = numbers(ResizeLike()([np.full((1, 6, 6, 2), 3.0, "float32"), np.zeros((1, rows, cols, 1), "float32")]))
    np.testing.assert_allclose(found, np.full((1, rows, cols, 2), 3.0), rtol=1e-6)
