import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watermap.bundles.calibration import Calibration, calibrated

PLATT = Calibration(method="platt", temperature=1.5, shift=-0.7)
ISOTONIC = Calibration(method="isotonic", predicted=(0.1, 0.4, 0.9), true=(0.02, 0.5, 0.8))


@given(temperature=st.floats(0.2, 5))
def test_a_temperature_divides_the_log_odds(temperature: float) -> None:
    p = np.linspace(0.01, 0.99, 33, dtype=np.float32)
    found = Calibration(method="temperature", temperature=temperature)(p)
    odds = np.log(p / (1 - p)) / temperature
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-odds)), atol=2e-6)
    assert found.dtype == np.float32


def test_the_ends_stay_and_rounding_beyond_them_is_no_trouble() -> None:
    p = np.array([-1e-6, 0, 0.5, 1, 1 + 1e-6], np.float32)
    np.testing.assert_allclose(Calibration(method="temperature", temperature=2)(p), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(ISOTONIC(p), [0.02, 0.02, 0.56, 0.8, 0.8], atol=1e-6)


def test_a_curve_keeps_the_order_and_shape() -> None:
    p = np.random.default_rng(0).random((5, 6), dtype=np.float32)
    found = ISOTONIC(p)
    assert found.shape == p.shape
    assert (np.diff(found.ravel()[np.argsort(p.ravel())]) >= 0).all()


@pytest.mark.parametrize(
    "curve", [ISOTONIC, PLATT, Calibration(method="temperature", temperature=0.4)], ids=lambda curve: curve.method
)
def test_a_probability_is_traced_back(curve: Calibration) -> None:
    for p in (0.05, 0.3, 0.5, 0.79):
        predicted = curve.inverse(p)
        assert float(curve(np.array(predicted))) == pytest.approx(p, abs=1e-5)
        assert float(curve(np.array(max(0, predicted - 0.01)))) < p


def test_a_shift_moves_the_log_odds() -> None:
    p = np.linspace(0.01, 0.99, 33, dtype=np.float32)
    odds = np.log(p / (1 - p)) / 1.5 - 0.7
    np.testing.assert_allclose(PLATT(p), 1 / (1 + np.exp(-odds)), atol=2e-6)
    np.testing.assert_array_equal(PLATT(np.array([0, 1], np.float32)), [0, 1])
    assert PLATT.description == "temperature 1.500, shift -0.700"


def test_without_a_calibration_nothing_changes() -> None:
    p = np.random.default_rng(0).random((5, 6), dtype=np.float32)
    assert calibrated(None, p) is p
    np.testing.assert_array_equal(calibrated(ISOTONIC, p), ISOTONIC(p))


@pytest.mark.parametrize(
    "record",
    [
        {"method": "temperature"},
        {"method": "temperature", "temperature": 0.0},
        {"method": "isotonic", "said": (0.1, 0.2), "true": (0.3, 0.2)},
        {"method": "isotonic", "said": (0.1, 0.2), "true": (0.1,)},
        {"method": "isotonic", "said": (0.1, 0.2), "true": (0.1, 1.2)},
        {"method": "isotonic"},
    ],
)
def test_what_is_no_rising_curve_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Calibration.model_validate(record)
