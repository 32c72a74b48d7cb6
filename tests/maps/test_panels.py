"""Maps side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from affine import Affine
from matplotlib import image

from tests.support.folders import listing
from tests.support.rasters import UTM33, make_grid
from watermap.geo.grid import Grid
from watermap.legend import WATER_COLORS
from watermap.maps.panels import NO_DATA_COLOR, Panel, faded, painted, plot_panels, upright

CODES = np.array([[0, 1], [255, 1]], np.uint8)


def test_codes_have_their_colours_and_others_are_transparent() -> None:
    picture = painted(CODES, {0: (1, 2, 3, 255), 1: (4, 5, 6, 255)})
    assert picture.tolist() == [[[1, 2, 3, 255], [4, 5, 6, 255]], [[0, 0, 0, 0], [4, 5, 6, 255]]]
    assert picture.dtype == np.uint8


def test_what_does_not_count_is_nearly_as_grey_as_no_data() -> None:
    picture = painted(CODES, WATER_COLORS)
    result = faded(picture, CODES == 1)
    assert (result[0, 0] == picture[0, 0]).all()
    own, grey = (np.array(color, float) for color in (WATER_COLORS[1], NO_DATA_COLOR))
    np.testing.assert_allclose(result[0, 1], 0.3 * own + 0.7 * grey, atol=0.5)
    assert (picture == painted(CODES, WATER_COLORS)).all()  # the one that was given stays


def test_a_north_up_picture_stays_and_another_is_turned() -> None:
    grid = make_grid(3, 2)
    turn, shown = upright(grid)
    assert shown == grid
    assert CODES[turn].tolist() == CODES.tolist()
    turn, shown = upright(Grid(UTM33, Affine(-10, 0, 500_030, 0, 10, 5_299_980), 3, 2))
    assert CODES[turn].tolist() == CODES[::-1, ::-1].tolist()
    assert shown == grid


def test_panels_are_drawn_in_their_order_in_the_colours_of_the_legend(tmp_path: Path) -> None:
    colors = {0: (200, 10, 20, 255), 1: (10, 20, 200, 255)}
    panels = [Panel(painted(np.full((20, 20), code, np.uint8), colors), f"$map {code}", "all of it") for code in colors]
    path = plot_panels(panels, make_grid(20, 20), 1, {"one": colors[0]}, tmp_path / "p.png", remark="a line")
    assert listing(tmp_path) == ["p.png"]
    picture = np.round(image.imread(path)[..., :3] * 255).astype(int)
    rows, cols = picture.shape[:2]
    for code, color in colors.items():
        found = np.argwhere((picture[: int(0.8 * rows)] == color[:3]).all(axis=-1))
        assert len(found) > 0.1 * rows * cols
        assert (found[:, 1] * 2 // cols == code).all()
