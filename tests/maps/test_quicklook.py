"""Pictures of a scene with its water: right for scenes of any shape, unit and name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from affine import Affine
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Annotation

from tests.support.rasters import UTM33, make_grid, write_tif
from tests.support.waters import write_water
from watermap.geo.grid import Grid
from watermap.maps.cartography import add_north_arrow
from watermap.maps.quicklook import plot_quicklook, plot_quicklooks, quicklook_figure

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
ROWS, COLS = 80, 120
CYAN = np.array(to_rgb("#00e5ff"))
GREY = 191


def codes_of(rows: int = ROWS, cols: int = COLS) -> npt.NDArray[np.uint8]:
    """Land above, water below, no data on the right."""
    codes = np.zeros((rows, cols), np.uint8)
    codes[rows // 2 :] = 1
    codes[:, cols * 3 // 4 :] = 255
    return codes


def write(folder: Path, codes: npt.NDArray[np.uint8], *, name: str = "a", scale: float = 1) -> tuple[Path, Path]:
    """A scene and its map."""
    rng = np.random.default_rng(0)
    rows, cols = codes.shape
    values = np.tile(np.where(codes == 1, 300, 1500) + rng.integers(0, 300, (rows, cols)), (len(BANDS), 1, 1))
    values[:, codes == 255] = 0
    grid = make_grid(cols, rows)
    image = write_tif(folder / f"{name}.tif", (values * scale).astype(np.float32), grid, names=BANDS, no_data=0)
    return image, write_water(folder / f"{name}_water.tif", codes, grid)


def picture(path: Path) -> npt.NDArray[np.int64]:
    """(rows, cols, 3) of a PNG, 0 to 255."""
    return np.round(imread(path)[..., :3] * 255).astype(int)


def upper(found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The part of a picture that lies well above its legend."""
    return found[: len(found) * 3 // 4]


def like_the_shore(found: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a picture has the bright colour of a shore's line."""
    near: npt.NDArray[np.bool_] = (np.abs(found - CYAN * 255) < 25).all(axis=-1)
    return near


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (1, 1), (3, 400), (400, 3), (2, 2)])
def test_scenes_of_any_shape_are_drawn(shape: tuple[int, int], tmp_path: Path) -> None:
    codes = (np.arange(shape[0] * shape[1]) % 2).astype(np.uint8).reshape(shape)
    assert plot_quicklook(*write(tmp_path, codes), tmp_path / "q.png").stat().st_size > 1000


def test_there_is_no_shore_along_no_data(tmp_path: Path) -> None:
    codes = codes_of()
    shore = upper(like_the_shore(picture(plot_quicklook(*write(tmp_path, codes), tmp_path / "q.png"))))
    rows = np.flatnonzero(shore.sum(axis=1) > 100)
    assert 0 < len(rows) < 8  # one line, from left to right
    assert shore.sum() == shore[rows].sum()
    codes[codes == 0] = 255
    codes[0, 0] = 0
    shore = upper(like_the_shore(picture(plot_quicklook(*write(tmp_path, codes), tmp_path / "p.png"))))
    assert not shore.any()


def test_a_small_body_is_not_hidden_by_its_shore(tmp_path: Path) -> None:
    codes = np.zeros((500, 500), np.uint8)
    codes[150:153, 200:203] = 1
    small = upper(picture(plot_quicklook(*write(tmp_path, codes), tmp_path / "q.png")))
    codes[350:380, 200:230] = 1
    large = upper(picture(plot_quicklook(*write(tmp_path, codes), tmp_path / "p.png")))
    assert not like_the_shore(small).any()
    shore = np.argwhere(like_the_shore(large))
    assert len(shore) > 100
    assert shore[:, 0].min() > 0.6 * len(large)  # of the large body below it alone
    tinted = small[..., 2] - small[..., 0]
    assert 20 <= np.count_nonzero(tinted > 60) <= 80  # its own nine pixels, which are 40 of the picture's, and no more


def test_what_is_bright_is_white_and_only_no_data_is_grey(tmp_path: Path) -> None:
    codes = codes_of()
    values = np.zeros((len(BANDS), ROWS, COLS), np.float32)
    values[:, codes != 255] = np.random.default_rng(1).integers(200, 2000, (codes != 255).sum())
    values[:, 5:15, 5:15] = 30_000
    image, water = write(tmp_path, codes)
    write_tif(image, values, make_grid(COLS, ROWS), names=BANDS, no_data=0)
    found = upper(picture(plot_quicklook(image, water, tmp_path / "q.png")))
    grey = np.argwhere((found == GREY).all(axis=-1))
    assert len(grey) > 0.15 * found[..., 0].size
    assert (grey[:, 1] > 0.7 * found.shape[1]).mean() > 0.99


def test_the_unit_of_the_numbers_does_not_matter(tmp_path: Path) -> None:
    pictures = [
        picture(plot_quicklook(*write(tmp_path, codes_of(), scale=scale), tmp_path / "q.png")) for scale in (1e-4, 1, 7)
    ]
    assert np.abs(pictures[0] - pictures[1]).max() <= 2
    assert np.abs(pictures[0] - pictures[2]).max() <= 2


def test_the_legend_shows_water_as_the_map_does(tmp_path: Path) -> None:
    found = picture(plot_quicklook(*write(tmp_path, codes_of()), tmp_path / "q.png"))
    rows = len(found)
    lake = np.median(found[rows * 5 // 10 : rows * 7 // 10, 50:300].reshape(-1, 3), axis=0)
    legend = found[-60:].reshape(-1, 3)
    assert np.abs(legend - lake).max(axis=1).min() < 25


@pytest.mark.parametrize("name", ["a$_1_$x", r"50$\frac", "price$ of $x^$"])
def test_names_are_shown_as_they_are(name: str, tmp_path: Path) -> None:
    files = write(tmp_path, codes_of(), name=name)
    plot_quicklook(*files, tmp_path / "q.png", names=(r"$\x$", "b", "c", "d", "e", "f"))
    plot_quicklooks([files], tmp_path / "p.png")


def test_the_arrow_points_north_on_maps_that_are_no_squares() -> None:
    turned = Grid(UTM33, Affine(8, 6, 500_000, 6, -8, 5_300_000), 400, 100)
    figure = Figure(figsize=(8, 2))
    axes = figure.add_axes((0, 0, 1, 1))
    add_north_arrow(axes, turned)
    (arrow,) = axes.texts
    assert isinstance(arrow, Annotation)
    across, up = np.subtract(arrow.xy, arrow.xyann)
    assert np.degrees(np.arctan2(across, up)) == pytest.approx(np.degrees(np.arctan2(6, 8)), abs=1)


@pytest.mark.parametrize("shape", [(400, 40), (300, 100), (60, 90)])
def test_the_whole_legend_is_inside_the_picture(shape: tuple[int, int], tmp_path: Path) -> None:
    codes = np.zeros(shape, np.uint8)
    codes[: shape[0] // 2] = 1
    codes[-8:] = 255
    figure = quicklook_figure(*write(tmp_path, codes))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box, whole = legend.get_window_extent(), figure.bbox
    assert (whole.x0 <= box.x0) & (box.x1 <= whole.x1) & (whole.y0 <= box.y0) & (box.y1 <= whole.y1)
    (axes,) = figure.axes
    assert box.y1 <= axes.get_window_extent().y0  # below the map, not over it
