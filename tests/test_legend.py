"""The codes of labels and maps are those of the files that people have, and each looks different."""

from __future__ import annotations

from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS


def test_codes_stay_what_they_are_in_files() -> None:
    assert (LAND, WATER, NO_DATA) == (0, 1, 255)


def test_every_code_has_a_colour_and_only_no_data_is_transparent() -> None:
    assert set(WATER_COLORS) == {LAND, WATER, NO_DATA}
    assert len(set(WATER_COLORS.values())) == 3
    assert [code for code, (*_, alpha) in WATER_COLORS.items() if alpha < 255] == [NO_DATA]
    red, _, blue, _ = WATER_COLORS[WATER]
    assert blue > red
