import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermap.evaluation.boundaries import BoundaryCounts, boundary_counts

Codes = np.ndarray


def square(first: int, end: int, size: int = 40) -> Codes:
    codes = np.zeros((size, size), np.uint8)
    codes[first:end, first:end] = 1
    return codes


def random_codes(seed: int, shape: tuple[int, int] = (30, 26)) -> Codes:
    rng = np.random.default_rng(seed)
    blocks = rng.choice(np.array([0, 1, 255], np.uint8), (shape[0] // 3 + 1, shape[1] // 3 + 1), p=[0.5, 0.45, 0.05])
    return np.kron(blocks, np.ones((3, 3), np.uint8))[: shape[0], : shape[1]].astype(np.uint8)


def slow_counts(truth: Codes, mapped: Codes, tolerance: int) -> BoundaryCounts:
    """By distances between all pairs of pixels."""
    rows, cols = np.mgrid[: truth.shape[0], : truth.shape[1]].reshape(2, -1)
    distance = np.hypot(rows[:, None] - rows, cols[:, None] - cols)
    unknown = ((truth == 255) | (mapped == 255)).ravel()
    judged = ~(distance[:, unknown] <= tolerance).any(axis=1)

    def shoreline(codes: Codes) -> Codes:
        flat = codes.ravel()
        land = (flat == 0) & ~unknown
        line: Codes = (flat == 1) & ~unknown & (distance[:, land] == 1).any(axis=1)
        return line

    lines = [shoreline(truth), shoreline(mapped)]
    near = [(distance[:, line] <= tolerance).any(axis=1) for line in lines]
    bands = [n & (codes.ravel() == 1) & judged for n, codes in zip(near, (truth, mapped), strict=True)]
    return BoundaryCounts(
        int((lines[0] & judged).sum()),
        int((lines[0] & judged & near[1]).sum()),
        int((lines[1] & judged).sum()),
        int((lines[1] & judged & near[0]).sum()),
        int((bands[0] & bands[1]).sum()),
        int((bands[0] | bands[1]).sum()),
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tolerance", [1, 2, 3])
def test_counts_equal_those_by_distances(seed: int, tolerance: int) -> None:
    truth, mapped = random_codes(seed), random_codes(seed + 100)
    assert boundary_counts(truth, mapped, tolerance) == slow_counts(truth, mapped, tolerance)


def test_a_shoreline_within_the_tolerance_is_met_and_one_beyond_is_not() -> None:
    moved = np.roll(square(10, 30), 1, axis=0)
    assert boundary_counts(square(10, 30), moved, 1).f1 == 1
    assert boundary_counts(square(10, 30), square(12, 28), 1).f1 == 0
    assert boundary_counts(square(10, 30), np.roll(moved, 1, axis=0), 1).f1 != 1
    assert boundary_counts(square(10, 30), np.roll(moved, 1, axis=0), 2).f1 == 1
    part = boundary_counts(square(10, 30), square(10, 34), 1).f1
    assert part is not None
    assert 0.3 < part < 0.7


def test_boundary_iou_of_a_square() -> None:
    counts = boundary_counts(square(10, 30), square(11, 30), 1)
    ring = 20 * 20 - 16 * 16  # shoreline and one pixel inwards
    assert counts.either == ring + (16 * 2 - 1)  # and what the smaller one's ring has further inwards
    assert counts.iou == pytest.approx(counts.both / counts.either)
    assert boundary_counts(square(10, 30), square(10, 30), 3).iou == 1


def test_the_edge_of_an_image_is_no_shoreline() -> None:
    everything = np.ones((8, 8), np.uint8)
    assert boundary_counts(everything, everything).f1 is None
    assert boundary_counts(everything, everything).iou is None


def test_nothing_is_judged_beside_what_is_unknown() -> None:
    truth = square(10, 30)
    truth[:, 25:] = 255
    counts = boundary_counts(truth, square(10, 30), 2)
    assert counts.f1 == 1
    assert counts.truth == 13 * 2 + 18  # columns 10 to 22 of both sides, and the left one between them
    assert boundary_counts(truth, square(10, 28), 2).f1 != 0


def test_a_shoreline_that_only_one_of_them_has_is_wrong() -> None:
    assert boundary_counts(square(10, 30), np.zeros((40, 40), np.uint8)).f1 == 0
    assert boundary_counts(np.zeros((40, 40), np.uint8), square(10, 30)).f1 == 0


@given(seed=st.integers(0, 500), tolerance=st.integers(1, 3), cut=st.integers(1, 29))
def test_pieces_with_context_add_up_to_the_whole(seed: int, tolerance: int, cut: int) -> None:
    truth, mapped = random_codes(seed), random_codes(seed + 1000)
    halo = tolerance + 1
    upper = slice(0, cut + halo)
    first = max(0, cut - halo)
    counts = boundary_counts(truth[upper], mapped[upper], tolerance, slice(0, cut)) + boundary_counts(
        truth[first:], mapped[first:], tolerance, slice(cut - first, None)
    )
    assert counts == boundary_counts(truth, mapped, tolerance)
