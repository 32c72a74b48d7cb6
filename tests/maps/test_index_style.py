"""The colours of an index."""

from __future__ import annotations

import pytest

from watermap.maps.index_style import index_layout
from watermap.scenes.indices import INDICES, NDVI, NDWI


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("threshold", [0.0, 0.13, -0.35, 0.75, -0.9])
def test_colours_rise_and_part_at_the_threshold(name: str, threshold: float) -> None:
    ramp = index_layout(INDICES[name], threshold).ramp
    assert ramp is not None
    values = [value for value, _ in ramp]
    assert values == sorted(values)
    middle = dict(ramp)[threshold]
    assert middle[0] == middle[1] == middle[2]  # neither land nor water
    below, above = ([color for value, color in ramp if side * (value - threshold) > 0] for side in (-1, 1))
    water, land = (below, above) if INDICES[name].water_is_low else (above, below)
    assert all(blue > red for red, _, blue, _ in water)
    assert all(green > blue or red > blue for red, green, blue, _ in land)
    assert values[0] <= threshold - 0.2 <= threshold + 0.2 <= values[-1]


def test_ends_are_the_same_for_all_scenes() -> None:
    ends = set()
    for threshold in (-0.2, 0.0, 0.3):
        ramp = index_layout(NDWI, threshold).ramp
        assert ramp is not None
        ends.add((ramp[0], ramp[-1]))
    assert len(ends) == 1


def test_the_band_says_what_it_is() -> None:
    layout = index_layout(NDVI)
    assert layout.bands == ("NDVI = (B8 - B4) / (B8 + B4)",)
    assert (layout.dtype, layout.overviews, layout.value_range) == ("float32", "average", (-1, 1))
