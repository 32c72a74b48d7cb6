from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window
from scipy import ndimage

from watermap.radiometry import FloatArray
from watermap.raster import Mask
from watermap.windows import Reader, blend_weights, predict_strips


def reader(image: FloatArray, valid: Mask) -> Reader:
    def read(window: Window) -> tuple[FloatArray, Mask]:
        rows, cols = window.toslices()
        return image[rows, cols, None], valid[rows, cols]

    return read


def local_mean(radius: int) -> Callable[[FloatArray], FloatArray]:
    """A 'network' whose field of view reaches `radius` pixels, blind beyond a window's edge as a network is."""

    def predict(windows: FloatArray) -> FloatArray:
        side = 2 * radius + 1
        return np.stack([ndimage.uniform_filter(w[..., 0].astype(float), side, mode="constant") for w in windows])

    return predict


def whole(
    image: FloatArray, valid: Mask, predict: Callable[[FloatArray], FloatArray], *, size: int, overlap: int
) -> tuple[FloatArray, Mask]:
    strips = list(predict_strips(reader(image, valid), predict, image.shape, size=size, overlap=overlap, batch_size=3))
    assert [s.row for s in strips] == [0, *np.cumsum([len(s.valid) for s in strips])[:-1]]
    return np.concatenate([s.probability for s in strips]), np.concatenate([s.valid for s in strips])


@given(st.integers(1, 64), st.booleans(), st.booleans(), st.data())
def test_weights_of_neighbours_add_up_to_one(size: int, first: bool, last: bool, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, max(0, (size - 1) // 2)))
    weights = blend_weights(size, overlap, first=first, last=last)
    assert ((weights >= 0) & (weights <= 1)).all()
    if overlap:
        left = blend_weights(size, overlap, first=first, last=False)[size - overlap :]
        right = blend_weights(size, overlap, first=False, last=last)[:overlap]
        np.testing.assert_allclose(left + right, 1, atol=1e-6)
    if first:
        assert (weights[: size - overlap] == 1).all()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from([(16, 0), (16, 4), (24, 8), (32, 12), (48, 16)]),
    st.integers(0, 2**32 - 1),
)
def test_a_constant_scene_shows_no_seam(rows: int, cols: int, tiling: tuple[int, int], seed: int) -> None:
    size, overlap = tiling
    rng = np.random.default_rng(seed)
    valid = rng.random((rows, cols)) < 0.7
    image = np.full((rows, cols), 0.37, dtype=np.float32)
    found, found_valid = whole(image, valid, lambda w: w[..., 0], size=size, overlap=overlap)
    assert (found_valid == valid).all()
    np.testing.assert_allclose(found[valid], 0.37, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 90), st.integers(1, 90), st.sampled_from([(24, 8, 2), (32, 12, 3), (48, 16, 4)]), st.integers(0, 999)
)
def test_the_map_does_not_depend_on_windows_where_the_field_of_view_fits(
    rows: int, cols: int, tiling: tuple[int, int, int], seed: int
) -> None:
    size, overlap, radius = tiling
    image = np.random.default_rng(seed).random((rows, cols)).astype(np.float32)
    valid = np.ones((rows, cols), dtype=bool)
    found, _ = whole(image, valid, local_mean(radius), size=size, overlap=overlap)
    expected = local_mean(radius)(image[None, ..., None])[0]
    inner = np.s_[radius : max(radius, rows - radius), radius : max(radius, cols - radius)]
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-6)


def test_windows_without_a_valid_pixel_are_never_computed() -> None:
    computed = 0

    def predict(windows: FloatArray) -> FloatArray:
        nonlocal computed
        computed += len({w.tobytes() for w in windows})
        return windows[..., 0]

    image = np.random.default_rng(0).random((100, 100)).astype(np.float32)
    valid = np.zeros((100, 100), dtype=bool)
    valid[:20, :20] = True
    whole(image, valid, predict, size=32, overlap=8)
    assert computed == 1


def test_progress_reaches_its_end() -> None:
    told: list[tuple[int, int]] = []
    image = np.zeros((70, 50), dtype=np.float32)
    read = reader(image, np.ones((70, 50), dtype=bool))
    list(
        predict_strips(
            read,
            lambda w: w[..., 0],
            (70, 50),
            size=32,
            overlap=8,
            batch_size=2,
            progress=lambda _, a, b: told.append((a, b)),
        )
    )
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("overlap", [5, 6, 7, 63])
def test_overlaps_that_do_not_divide_by_four_blend_too(overlap: int) -> None:
    left = blend_weights(128, overlap, first=True, last=False)[128 - overlap :]
    right = blend_weights(128, overlap, first=False, last=True)[:overlap]
    np.testing.assert_allclose(left + right, 1, atol=1e-6)
    assert left[-1] == right[0] == 0
