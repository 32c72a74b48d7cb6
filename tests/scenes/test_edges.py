import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import binary_dilation, correlate1d

from watermap.scenes.edges import HALO, beside_edges, values_beside_edges, with_halo

RANGE = (-1.0, 1.0)


def _whole(values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    return beside_edges(np.pad(values, ((HALO, HALO), (0, 0)), constant_values=np.nan), RANGE)


def _expected(values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """The same by other means, pixel by pixel: Canny's ridges of a gradient of 0.25, and what lies beside them."""
    valid = np.isfinite(values)
    weights = [math.exp(-(step**2) / 2) for step in range(-3, 4)]

    def blurred(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        for axis in (0, 1):
            image = correlate1d(image, weights, axis=axis, mode="constant")
        return image

    smooth = blurred(np.where(valid, values, 0).astype(float)) / np.maximum(blurred(valid.astype(float)), 1e-9)
    down, across = np.asarray(np.gradient(smooth))
    steep = np.asarray(np.hypot(down, across))
    steep[binary_dilation(~valid, np.ones((7, 7)), border_value=1)] = 0
    found = np.zeros(values.shape, dtype=bool)
    for row, col in zip(*np.nonzero(steep >= 0.25), strict=True):
        octant = round(math.atan2(down[row, col], across[row, col]) / (math.pi / 4)) % 4
        y, x = ((0, 1), (1, 1), (1, 0), (1, -1))[octant]
        found[row, col] = steep[row - y, col - x] < steep[row, col] >= steep[row + y, col + x]
    beside: npt.NDArray[np.bool_] = binary_dilation(found, np.ones((3, 3))) & valid
    return beside


def _scene(shape: tuple[int, int], seed: int = 0) -> npt.NDArray[np.float32]:
    """Lakes of 0.5 in land of -0.5, with noise and holes."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    lakes = np.sin(rows / 7.3 + seed) + np.cos(cols / 5.1) > 0.4
    values = np.where(lakes, 0.5, -0.5) + rng.normal(0, 0.05, shape)
    values[10:14, 20:25] = np.nan
    return values.astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_edges_are_those_of_canny(seed: int) -> None:
    values = _scene((60, 70), seed)
    found, expected = _whole(values), _expected(values)
    assert 0.1 < expected.mean() < 0.6
    assert (found == expected).mean() > 0.999  # of equals in 32 bits one may win, or the other


def test_pixels_of_both_sides_lie_beside_an_edge_and_no_others() -> None:
    values = np.full((30, 40), -0.6, dtype=np.float32)
    values[:, 20:] = 0.4
    found = _whole(values)
    assert set(np.nonzero(found.any(axis=0))[0].tolist()) <= {18, 19, 20, 21}
    assert (found[3:-3].sum(axis=1) == 3).all()
    assert {round(float(value), 1) for value in values[found]} == {-0.6, 0.4}


def test_gentle_changes_and_the_fringe_of_no_data_are_no_edges() -> None:
    ramp = np.broadcast_to(np.linspace(-0.9, 0.9, 40, dtype=np.float32), (30, 40)).copy()
    assert not _whole(ramp).any()
    land = np.full((30, 40), -0.6, dtype=np.float32)
    land[:, 30:] = np.nan
    land[:, 28:30] = 0.9  # what resampling leaves beside no data
    assert not _whole(land).any()


@pytest.mark.parametrize("heights", [[60], [1] * 60, [7, 20, 3, 30], [59, 1], [16, 16, 16, 12]])
def test_strips_of_any_height_give_what_the_whole_gives(heights: list[int]) -> None:
    values = _scene((60, 70))
    ends = np.cumsum(heights)
    strips = [values[end - height : end] for height, end in zip(heights, ends, strict=True)]
    pieces = [beside_edges(wide, RANGE) for wide in with_halo(strips)]
    np.testing.assert_array_equal(np.concatenate(pieces), _whole(values))


def test_a_raster_lower_than_the_halo_is_a_whole_one() -> None:
    values = _scene((60, 70))[:5]
    (wide,) = with_halo([values])
    assert len(wide) == len(values) + 2 * HALO
    np.testing.assert_array_equal(wide[HALO:-HALO], values)
    assert not list(with_halo([]))


def test_the_values_beside_edges_are_those_of_the_whole() -> None:
    values = np.concatenate([_scene((60, 70), seed) for seed in range(5)])
    found = np.concatenate(list(values_beside_edges([values[:7], values[7:250], values[250:]], RANGE)))
    np.testing.assert_array_equal(found, values[_whole(values)])
