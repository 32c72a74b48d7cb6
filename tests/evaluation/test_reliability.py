import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from watermap.evaluation.reliability import BINS, LOGITS, Reliability, logit, sigmoid


def drawn(seed: int, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    predicted = rng.beta(0.4, 0.6, count).astype(np.float32)
    truth = (rng.random(count) < predicted**1.5).astype(np.uint8)
    return truth, predicted


def test_the_curve_equals_scikit_learns() -> None:
    truth, predicted = drawn(0)
    found = Reliability()
    for part in np.array_split(np.arange(len(truth)), 7):
        found.add(truth[part], predicted[part])
    true, mean = calibration_curve(truth, predicted, n_bins=BINS, strategy="uniform")
    curve = np.array(found.curve())
    np.testing.assert_allclose(curve[:, 0], mean, atol=1e-6)
    np.testing.assert_allclose(curve[:, 1], true, atol=1e-12)
    assert curve[:, 2].sum() == len(truth)


def test_the_error_is_the_mean_distance_from_the_diagonal() -> None:
    truth, predicted = drawn(1)
    found = Reliability()
    found.add(truth, predicted)
    inside = np.minimum((predicted * BINS).astype(int), BINS - 1)
    slow = sum(
        abs(truth[inside == i].mean() - predicted[inside == i].mean()) * (inside == i).mean() for i in range(BINS)
    )
    assert found.error == pytest.approx(slow, abs=1e-6)
    assert Reliability().error is None


def test_two_halves_are_the_whole() -> None:
    truth, predicted = drawn(2)
    whole, left, right = Reliability(), Reliability(), Reliability()
    whole.add(truth, predicted)
    left.add(truth[:9000], predicted[:9000])
    right.add(truth[9000:], predicted[9000:])
    both = left + right
    np.testing.assert_array_equal(both.pixels, whole.pixels)
    np.testing.assert_array_equal(both.fine, whole.fine)
    np.testing.assert_allclose(both.predicted, whole.predicted, rtol=1e-6)


def test_fine_bins_hold_each_pixel_at_its_probability() -> None:
    found = Reliability()
    predicted = np.array([0, 1e-9, 0.25, 0.5, 0.75, 1, 1 + 1e-6], np.float32)
    found.add(np.array([0, 0, 0, 1, 1, 1, 1], np.uint8), predicted)
    at = np.repeat(sigmoid(LOGITS), found.fine.sum(axis=1))
    np.testing.assert_allclose(at, np.sort(np.clip(predicted, 0, 1)), atol=0.003)
    np.testing.assert_allclose(logit(sigmoid(LOGITS).astype(np.float64)), LOGITS, atol=1e-6)
