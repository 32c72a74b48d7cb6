"""Scenes finer than a model has learned from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window
from scipy import ndimage

from watermap.io.raster import Pixels
from watermap.prediction.averaging import averaged_reader, averaged_shape, averaging_factor, put_back
from watermap.prediction.windows import Strip


@pytest.mark.parametrize(
    ("pixel_m", "finest_m", "factor"),
    [(3, 10, 3), (10, 10, 1), (7, 10, 1), (6.6, 10, 2), (5, 10, 2), (0.5, 10, 20), (3, None, 1), (30, 10, 1)],
)
def test_pixels_much_finer_than_the_model_knows_are_averaged(
    pixel_m: float, finest_m: float | None, factor: int
) -> None:
    assert averaging_factor(pixel_m, finest_m) == factor


@given(st.integers(1, 17), st.integers(1, 19), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_windows_are_means_of_what_is_valid(rows: int, cols: int, factor: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, valid = rng.uniform(0, 9, (2, rows, cols)), rng.random((rows, cols)) < 0.7

    def read(window: Window) -> Pixels:
        here = window.toslices()
        return Pixels(values[(slice(None), *here)], valid[here])

    height, width = averaged_shape((rows, cols), factor)
    found = averaged_reader(read, (rows, cols), factor)(Window(0, 0, width, height))
    for row in range(height):
        for col in range(width):
            square = np.s_[row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
            assert found.valid[row, col] == valid[square].any()
            if valid[square].any():
                expected = values[(slice(None), *square)][:, valid[square]].mean(axis=1)
                np.testing.assert_allclose(found.values[:, row, col], expected, rtol=1e-5)


@given(st.integers(1, 40), st.integers(1, 20), st.integers(2, 4), st.integers(1, 5), st.booleans())
def test_answers_are_put_back_as_if_the_whole_were_interpolated(
    rows: int, cols: int, factor: int, strip_rows: int, has_entropy: bool
) -> None:
    rng = np.random.default_rng([rows, cols, factor])
    height, width = averaged_shape((rows, cols), factor)
    coarse = rng.random((height, width)).astype(np.float32)
    valid = rng.random((rows, cols)) < 0.9
    strips = [
        Strip(start, part, np.ones(part.shape, dtype=bool), part * 2 if has_entropy else None)
        for start in range(0, height, strip_rows)
        for part in [coarse[start : start + strip_rows]]
    ]
    found = list(put_back(iter(strips), lambda start, stop: valid[start:stop], (rows, cols), factor))
    assert [strip.row for strip in found] == np.cumsum([0, *(len(strip.valid) for strip in found)])[:-1].tolist()
    at = [(np.arange(side) + 0.5) / factor - 0.5 for side in (rows, cols)]
    whole = ndimage.map_coordinates(coarse, np.meshgrid(*at, indexing="ij"), order=1, mode="nearest")
    np.testing.assert_allclose(np.concatenate([strip.probability for strip in found]), whole, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate([strip.valid for strip in found]), valid)
    for strip in found:
        assert (strip.answer_entropy is None) != has_entropy
        if strip.answer_entropy is not None:
            np.testing.assert_allclose(strip.answer_entropy, strip.probability * 2, rtol=1e-5)


def test_what_was_not_seen_counts_for_nothing() -> None:
    probability = np.array([[0.2, np.nan], [0.2, 0.9]], dtype=np.float32)
    known = np.array([[True, False], [True, True]])
    (strip,) = put_back([Strip(0, probability, known)], lambda start, stop: np.ones((stop - start, 4), bool), (4, 4), 2)
    assert np.isfinite(strip.probability).all()
    np.testing.assert_allclose(strip.probability[0, :3], 0.2, rtol=1e-5)
