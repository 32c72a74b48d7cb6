import itertools
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window
from scipy import ndimage

from watermap.arrays import FloatArray, Mask
from watermap.errors import ModelError
from watermap.geo.grid import spans
from watermap.io.raster import Pixels
from watermap.prediction.windows import (
    TALLEST,
    Compute,
    Layout,
    Reader,
    blend_weights,
    fixed_layout,
    overlap_for,
    picked_layout,
    predict_strips,
    square_layout,
)


def reader(image: FloatArray, valid: Mask) -> Reader:
    """Reads into the same memory again and again, as a raster's own does."""
    memory = np.empty_like(image)

    def read(window: Window) -> Pixels:
        memory[:] = np.nan
        rows, cols = window.toslices()
        memory[rows, cols] = image[rows, cols]
        return Pixels(memory[None, rows, cols], valid[rows, cols])

    return read


def local_mean(radius: int) -> Compute:
    """A 'network' whose field of view reaches `radius` pixels, blind beyond a window's edge as a network is."""

    def compute(windows: FloatArray) -> FloatArray:
        side = 2 * radius + 1
        return np.stack([ndimage.uniform_filter(w[0].astype(float), side, mode="constant") for w in windows])

    return compute


def square(shape: tuple[int, int], size: int, overlap: int) -> Layout:
    """Windows of a size of our own choice, whatever the stride."""
    return Layout(tuple(spans(shape[0], size, overlap)), tuple(spans(shape[1], size, overlap)), overlap)


def stored(pixels: Pixels, out: FloatArray) -> None:
    out[:] = pixels.values


def whole(image: FloatArray, valid: Mask, compute: Compute, layout: Layout) -> tuple[FloatArray, Mask]:
    strips = list(predict_strips(reader(image, valid), stored, compute, layout, batch_size=3))
    assert [s.row for s in strips] == [0, *np.cumsum([len(s.valid) for s in strips])[:-1]]
    return np.concatenate([s.probability for s in strips]), np.concatenate([s.valid for s in strips])


def held_whole(image: FloatArray, valid: Mask, compute: Compute, layout: Layout) -> FloatArray:
    """The same map without streams or threads: everything is held, every window by itself, one after the other."""
    rows, cols = layout.shape
    far = [
        (0, each[-1].start + each[-1].size - length)
        for each, length in zip((layout.rows, layout.cols), image.shape, strict=True)
    ]
    summed = np.zeros([length + end for length, (_, end) in zip(image.shape, far, strict=True)], dtype=np.float32)
    for r, down in enumerate(layout.rows):
        for c, across in enumerate(layout.cols):
            used = np.s_[down.start : down.start + down.used, across.start : across.start + across.used]
            if not valid[used].any():
                continue
            missing = ((0, rows - down.used), (0, cols - across.used))
            window = np.pad(image[used], missing, mode="symmetric")
            weights = [
                blend_weights(size, layout.overlap, first=place == 0, last=place == len(each) - 1)
                for size, place, each in ((rows, r, layout.rows), (cols, c, layout.cols))
            ]
            part = compute(window[None, None])[0]
            target = np.s_[down.start : down.start + rows, across.start : across.start + cols]
            summed[target] += part * weights[0][:, None] * weights[1]
    return summed[: image.shape[0], : image.shape[1]]


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
    found, found_valid = whole(image, valid, lambda w: w[:, 0].copy(), square(image.shape, size, overlap))
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
    found, _ = whole(image, valid, local_mean(radius), square(image.shape, size, overlap))
    expected = local_mean(radius)(image[None, None])[0]
    inner = np.s_[radius : max(radius, rows - radius), radius : max(radius, cols - radius)]
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-6)


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([0, 16, 32, 48]), st.data())
def test_streaming_is_the_same_as_holding_everything(rows: int, cols: int, overlap: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    image = rng.random((rows, cols)).astype(np.float32)
    valid = rng.random((rows, cols)) < data.draw(st.sampled_from([0.001, 0.5, 1.0]))
    valid[: data.draw(st.integers(0, rows)), : data.draw(st.integers(0, cols))] = False
    if data.draw(st.booleans()):
        layout = picked_layout((rows, cols), data.draw(st.integers(1, 40_000)), overlap)
    else:
        layout = square_layout((rows, cols), data.draw(st.sampled_from([32, 64, 96, 128])), overlap)
    found, found_valid = whole(image, valid, local_mean(3), layout)
    assert (found_valid == valid).all()
    np.testing.assert_array_equal(found, held_whole(image, valid, local_mean(3), layout))


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 5_000_000), st.integers(0, 12))
def test_picked_windows_cover_the_scene_and_fit_memory(rows: int, cols: int, pixels: int, overlap: int) -> None:
    layout = picked_layout((rows, cols), pixels, overlap * 16)
    least = 2 * overlap * 16 + 16
    for length, each, size in zip((rows, cols), (layout.rows, layout.cols), layout.shape, strict=True):
        assert each[0].start == 0
        assert each[-1].start + each[-1].used == length
        assert all(a.start + a.size - b.start == layout.overlap for a, b in itertools.pairwise(each))
        assert size % 16 == 0
        assert all(span.start % 16 == 0 for span in each)
    tallest = max(TALLEST, TALLEST * 10_980 // cols) + 16  # a row of windows holds no more than in a whole tile
    assert layout.shape[0] <= max(tallest, least)
    assert layout.shape[0] * layout.shape[1] <= max(pixels * 1.2 + 16 * tallest, least * max(least, tallest))


@pytest.mark.parametrize(
    ("side", "pixels", "overlap", "most"),
    [
        (10_980, 1200 * 1200, 64, 1.14),
        (10_980, 1200 * 1200, 96, 1.19),
        (10_980, 3 << 20, 64, 1.113),
        (2048, 1200 * 1200, 96, 1.17),
    ],
)
def test_a_scene_is_computed_little_more_than_once(side: int, pixels: int, overlap: int, most: float) -> None:
    """With windows as OpenVINO takes them in bfloat16, for models that see 31 and 47 pixels far; and larger ones."""
    layout = picked_layout((side, side), pixels, overlap)
    assert layout.computed <= most * side**2


def test_a_narrow_scene_is_one_column_of_windows() -> None:
    layout = picked_layout((20_000, 300), 1200 * 1200, 96)
    assert len(layout.cols) == 1
    assert layout.computed <= 1.3 * 20_000 * 300


@given(st.integers(0, 200))
def test_the_blind_part_of_an_overlap_holds_the_reach(reach: int) -> None:
    overlap = overlap_for(reach)
    assert overlap % 16 == 0
    weights = blend_weights(3 * overlap + 1, overlap, first=False, last=False)
    assert not weights[:reach].any()
    assert (overlap - 18) // 2 < reach or overlap == 0


def test_windows_without_a_valid_pixel_are_never_computed() -> None:
    computed = 0

    def compute(windows: FloatArray) -> FloatArray:
        nonlocal computed
        computed += len({w.tobytes() for w in windows})
        return windows[:, 0].copy()

    image = np.random.default_rng(0).random((100, 100)).astype(np.float32)
    valid = np.zeros((100, 100), dtype=bool)
    valid[:20, :20] = True
    whole(image, valid, compute, square((100, 100), 32, 8))
    assert computed == 1


def test_progress_reaches_its_end() -> None:
    told: list[tuple[int, int]] = []
    image = np.zeros((70, 50), dtype=np.float32)
    read = reader(image, np.ones((70, 50), dtype=bool))
    list(
        predict_strips(
            read,
            stored,
            lambda w: w[:, 0].copy(),
            square((70, 50), 32, 8),
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


@pytest.mark.parametrize("shape", [(1, 1), (40, 64), (64, 200), (333, 100)])
@pytest.mark.parametrize(("size", "overlap"), [(64, 16), (100, 48), (100, 112)])
def test_windows_of_one_size_show_any_scene_whole(shape: tuple[int, int], size: int, overlap: int) -> None:
    layout = fixed_layout(shape, size, overlap)
    assert layout.shape == (size, size)
    assert 2 * layout.overlap < size
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    valid = np.ones(shape, dtype=bool)
    np.testing.assert_allclose(whole(image, valid, lambda windows: windows[:, 0].copy(), layout)[0], image, atol=1e-6)


@pytest.mark.parametrize("multiple", [16, 32, 128])
@pytest.mark.parametrize("shape", [(90, 700), (2000, 3000)])
def test_sides_and_overlap_are_multiples_of_what_the_network_wants(shape: tuple[int, int], multiple: int) -> None:
    for layout in (
        picked_layout(shape, 700 * 700, multiple, multiple),
        square_layout(shape, 6 * multiple, multiple, multiple),
    ):
        assert {side % multiple for side in (*layout.shape, layout.overlap)} == {0}
    assert overlap_for(70, multiple) == -(-142 // multiple) * multiple


def test_no_thread_outlives_an_error() -> None:
    """An error that is kept keeps its frames alive; the thread that reads must be gone all the same."""
    image = np.zeros((200, 200), dtype=np.float32)

    def fail(windows: FloatArray) -> FloatArray:
        raise ModelError("no", hint="none")

    read = reader(image, np.ones(image.shape, dtype=bool))
    with pytest.raises(ModelError) as kept:
        list(predict_strips(read, stored, fail, square(image.shape, 32, 8), batch_size=1))
    assert kept.value.__traceback__ is not None
    assert not [thread for thread in threading.enumerate() if thread.name == "watermap-ahead"]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 150), st.integers(1, 150), st.sampled_from([16, 32]), st.data(), st.integers(0, 2**32 - 1))
def test_no_pixel_depends_on_the_size_of_windows(
    rows: int, cols: int, overlap: int, data: st.DataObject, seed: int
) -> None:
    """At the scene's edges neither: what lies beyond them is mirrored as far as the network sees."""
    image = np.random.default_rng(seed).random((rows, cols)).astype(np.float32)
    valid = np.ones(image.shape, dtype=bool)
    network = local_mean(overlap // 2 - 1)
    sizes = data.draw(st.lists(st.sampled_from([96, 128, 160, 320]), min_size=2, max_size=2, unique=True))
    layouts = [
        square_layout(image.shape, sizes[0], overlap),
        picked_layout(image.shape, sizes[1] ** 2, overlap),
    ]
    one, other = (whole(image, valid, network, layout)[0] for layout in layouts)
    np.testing.assert_allclose(one, other, atol=1e-5)
