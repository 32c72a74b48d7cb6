"""Dilation against scipy's, for each metric."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from watermap.scenes.neighbourhood import Metric, dilate


@st.composite
def masks(draw: st.DrawFn) -> npt.NDArray[np.bool_]:
    """Some pixels, or none, of a mask that is wider than a distance or narrower."""
    shape = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    some = np.random.default_rng(draw(st.integers(0, 999))).random(shape)
    return np.asarray(some < draw(st.sampled_from([0, 0.003, 0.02, 0.3, 1])))


def structure(px: int, metric: Metric) -> npt.NDArray[np.bool_]:
    """The pixels around one that lie no farther from it."""
    rows, cols = np.mgrid[-px : px + 1, -px : px + 1]
    found = np.maximum(abs(rows), abs(cols)) <= px if metric == "chessboard" else rows**2 + cols**2 <= px**2
    return np.asarray(found)


@pytest.mark.parametrize("metric", ["chessboard", "euclidean"])
@given(mask=masks(), px=st.integers(0, 15))
def test_dilation_is_scipy_s(metric: Metric, mask: npt.NDArray[np.bool_], px: int) -> None:
    before = mask.copy()
    found = dilate(mask, px, metric=metric)
    np.testing.assert_array_equal(found, ndimage.binary_dilation(mask, structure(px, metric)))
    np.testing.assert_array_equal(mask, before)
    assert found is not mask
    assert not np.shares_memory(found, mask)


@given(mask=masks(), px=st.integers(0, 9))
def test_a_disc_is_what_distances_say(mask: npt.NDArray[np.bool_], px: int) -> None:
    far = ndimage.distance_transform_edt(~np.pad(mask, px + 1))[px + 1 : -px - 1, px + 1 : -px - 1]
    np.testing.assert_array_equal(dilate(mask, px, metric="euclidean"), far <= px if mask.any() else mask)


def test_corners_are_near_on_a_chessboard_only() -> None:
    mask = np.zeros((3, 3), np.bool_)
    mask[1, 1] = True
    assert dilate(mask, 1, metric="chessboard").sum() == 9
    assert dilate(mask, 1, metric="euclidean").sum() == 5
