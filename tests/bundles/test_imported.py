import pytest

from watermap.bands import Radiometry
from watermap.bundles.imported import assumed_statistics


def test_stated_moments_stand_for_those_of_training_pixels() -> None:
    found = assumed_statistics(2, Radiometry(1e-4, -1000), (0.3, 0.05), (0.1, 0.05))
    assert found.mean == pytest.approx((4000, 1500))
    assert found.std == pytest.approx((1000, 500))
    assert found.bright == pytest.approx((4000 + 2326, 1500 + 1163))
    assert found.dark == pytest.approx((4000 - 2576, 1000))  # no reflectance is below 0


def test_with_nothing_stated_they_are_those_usual_on_land() -> None:
    found = assumed_statistics(3, Radiometry(1e-4, 0), None, None)
    assert found.mean == pytest.approx((1500,) * 3)
    assert found.dark == found.low == (0,) * 3
    assert found.bright == pytest.approx((3826,) * 3)
    assert max(found.bright) < min(found.high)
