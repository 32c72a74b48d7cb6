"""Sample sizes that keep what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.failures import one_line
from watermap.config.area import WATER_THOUGHT
from watermap.errors import UsageError
from watermap.maps.area.olofsson import assess
from watermap.maps.area.plan import expected_water, samples_for
from watermap.maps.area.sample import allotted

PLACES = {
    "much water": ([40.0, 10.0, 50.0], [400_000, 100_000, 500_000]),
    "little water": ([1.0, 0.5, 20.0], [10_000, 5_000, 200_000]),
    "no shore": ([3.0, 0.0, 7.0], [30_000, 0, 70_000]),
}


def margin_of(total: int, areas: list[float], pixels: list[int], least: int) -> float:
    return expected_water(areas, allotted(total, areas, pixels, least), pixels).margin


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("least", [2, 50, 400])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.8])
def test_as_many_as_it_takes_and_no_more(place: str, least: int, share: float) -> None:
    areas, pixels = PLACES[place]
    wanted = share * areas[0]
    found = samples_for(wanted, areas, pixels, least)
    assert margin_of(found, areas, pixels, least) <= wanted
    floors = sum(min(least, count) for count in pixels)
    assert found == floors or margin_of(found - 1, areas, pixels, least) > wanted


def test_estimates_vary_as_much_as_is_expected() -> None:
    """Samples of ground that is as the map is thought to be."""
    areas, pixels = PLACES["much water"]
    sizes = np.array(allotted(300, areas, pixels, 50))
    rng = np.random.default_rng(5)
    found = []
    for _ in range(2000):
        water = rng.binomial(sizes, WATER_THOUGHT)
        found.append(assess(np.stack([sizes - water, water], axis=1), areas, (1, 0, 0)).shares[1].value * sum(areas))
    expected = expected_water(areas, sizes.tolist(), pixels)
    assert np.mean(found) == pytest.approx(expected.value, rel=0.005)
    assert np.std(found) == pytest.approx(expected.standard_error, rel=0.05)


def test_more_than_anybody_interprets_is_refused() -> None:
    areas, pixels = PLACES["little water"]
    with pytest.raises(UsageError) as error:
        samples_for(0.01, areas, pixels, 50)
    assert "takes more than 100,000 samples: allow a larger --error, map less" in one_line(error)


def test_a_small_raster_takes_no_more_samples_than_it_has_pixels() -> None:
    assert samples_for(0.001, [1.0, 1.0, 1.0], [10, 10, 10], 2) == 30
    assert samples_for(0.1, [1.0, 3.0, 4.0], [1, 3, 4], 50) == 8
    assert expected_water([1.0, 3.0, 4.0], [1, 3, 4], [1, 3, 4]).margin == 0
    areas, pixels = [40.0, 10.0, 50.0], [400, 100, 500]
    many = [1000 * count for count in pixels]
    assert samples_for(4, areas, pixels, 2) < 0.9 * samples_for(4, areas, many, 2)
