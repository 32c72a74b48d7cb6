from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from watermap.scenes.sample.noise import fractal, generator
from watermap.scenes.sample.terrain import carved, enlarge, sunlight


def test_carved_land_drains_without_pits() -> None:
    outlet = (39, 17)
    height = carved(generator(0), 40, [outlet])
    assert height[outlet] == 0
    assert height.max() == 1
    lowest = ndimage.minimum_filter(height, 3)
    pits = (height == lowest).nonzero()
    assert [(int(r), int(c)) for r, c in zip(*pits, strict=True)] == [outlet]


def test_enlarged_land_keeps_its_range() -> None:
    coarse = carved(generator(1), 30, [(29, 10)])
    height = enlarge(generator(2), coarse, 150)
    assert height.shape == (150, 150)
    assert -0.2 < height.min() < 0.2
    assert 0.7 < height.max() < 1.3


def test_flat_ground_is_evenly_lit() -> None:
    np.testing.assert_allclose(sunlight(np.zeros((40, 40), dtype=np.float32), 0.7, 2.6), 1, rtol=1e-5)


@pytest.mark.parametrize(("azimuth", "bright"), [(0.0, "north"), (90.0, "east"), (180.0, "south"), (270.0, "west")])
def test_the_slope_that_faces_the_sun_is_bright(azimuth: float, bright: str) -> None:
    y, x = np.mgrid[0:81, 0:81].astype(np.float32) - 40
    hill = (12 * np.exp(-(x**2 + y**2) / 400)).astype(np.float32)
    light = sunlight(hill, np.radians(40), np.radians(azimuth))
    sides = {"north": light[25, 40], "south": light[55, 40], "east": light[40, 55], "west": light[40, 25]}
    assert max(sides, key=lambda side: sides[side]) == bright


def test_a_wall_casts_its_shadow_away_from_the_sun() -> None:
    wall = np.zeros((60, 60), dtype=np.float32)
    wall[30:32] = 8
    light = sunlight(wall, np.radians(30), np.radians(180))  # the sun in the south, so the north is dark
    assert light[22:27, 30].max() < 0.2
    assert light[36:50, 30].min() > 0.9


def test_more_relief_gives_more_contrast() -> None:
    land = fractal(generator(3), 96, longest=30, roughness=4)
    low, high = (sunlight(scale * land, 0.8, 2.6).std() for scale in (1, 4))
    assert high > low
