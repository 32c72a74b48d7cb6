from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from matplotlib import image
from rasterio.crs import CRS

from tests.support.rasters import LON_LAT, make_grid
from tests.support.waters import write_water
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.legend import WATER, WATER_COLORS
from watermap.maps.change import CHANGE, GAINED, LOST, PERMANENT, Change, compare
from watermap.maps.change_picture import plot_change

UTM33 = CRS.from_epsg(32633)


def made(folder: Path, grid: Grid) -> Change:
    """Lake in the north, of which a half dries up, and a new one in the south."""
    before, after = np.zeros(grid.shape), np.zeros(grid.shape)
    before[20:80, 20:180] = after[20:80, 20:100] = 1
    after[160:180, 120:180] = 1
    before[90:110, :40] = 255
    paths = [
        write_water(folder / f"lake_{day}_water.tif", v, grid) for day, v in ((20230601, before), (20240601, after))
    ]
    return compare(paths[0], paths[1], folder / "out")


def painted(path: Path, color: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, int]]:
    """Rows and cols of the picture's pixels of a colour, and the picture's shape."""
    picture = np.round(image.imread(path)[..., :3] * 255).astype(int)
    return np.argwhere((picture == color[:3]).all(axis=-1)), picture.shape[:2]


def test_before_after_and_change_lie_side_by_side_in_the_maps_colours(tmp_path: Path) -> None:
    change = made(tmp_path, make_grid(200, 200))
    path = plot_change(change, tmp_path / "change.png")
    lost, shape = painted(path, CHANGE.colors[LOST])
    gained, _ = painted(path, CHANGE.colors[GAINED])
    water, _ = painted(path, WATER_COLORS[WATER])
    maps = 0.85 * shape[0]  # below lies the legend
    assert (lost[lost[:, 0] < maps, 1] > 2 / 3 * shape[1]).all()
    assert len(gained) > 500
    thirds = np.bincount(water[water[:, 0] < maps, 1] * 3 // shape[1], minlength=3)
    ratio = thirds / thirds[2]  # of what stayed
    assert ratio == pytest.approx([2, 1.25, 1], rel=0.03)
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize(
    "transform",
    [Affine(10, 0, 500_000, 0, 10, 5_298_000), Affine(-10, 0, 502_000, 0, -10, 5_300_000)],
)
def test_north_is_up_and_east_right_whatever_way_rows_and_columns_run(tmp_path: Path, transform: Affine) -> None:
    change = made(tmp_path, Grid(UTM33, transform, 200, 200))
    path = plot_change(change, tmp_path / "change.png")
    gained, shape = painted(path, CHANGE.colors[GAINED])
    lost, _ = painted(path, CHANGE.colors[LOST])
    gained, lost = (found[found[:, 0] < 0.85 * shape[0]] for found in (gained, lost))
    stayed, _ = painted(path, CHANGE.colors[PERMANENT])
    stayed = stayed[stayed[:, 1] > 2 / 3 * shape[1]]
    if transform.e > 0:  # the first rows are the southern ones
        assert gained[:, 0].mean() < lost[:, 0].mean()
    else:  # the first columns are the eastern ones
        assert lost[:, 1].mean() < stayed[stayed[:, 0] < 0.85 * shape[0], 1].mean()


def test_what_was_seen_only_once_is_faded(tmp_path: Path) -> None:
    before, after = np.ones((200, 200)), np.zeros((200, 200))
    after[:, 100:] = 255
    grid = make_grid(200, 200)
    paths = [
        write_water(tmp_path / f"lake_{day}_water.tif", v, grid) for day, v in ((20230601, before), (20240601, after))
    ]
    change = compare(paths[0], paths[1], tmp_path / "out")
    water, shape = painted(plot_change(change, tmp_path / "c.png"), WATER_COLORS[WATER])
    above = water[water[:, 0] < 0.85 * shape[0]]
    assert (above[:, 1] < 1 / 6 * shape[1]).all()  # the left half of the first map, as the printed area says
    assert len(above) > 10_000


def test_a_map_in_degrees_is_not_squeezed(tmp_path: Path) -> None:
    change = made(tmp_path, make_grid(200, 200, left=10, top=60, pixel=1e-4, crs=LON_LAT))
    lost, shape = painted(plot_change(change, tmp_path / "c.png"), CHANGE.colors[LOST])
    lost = lost[lost[:, 0] < 0.85 * shape[0]]
    tall, wide = np.ptp(lost, axis=0) + 1
    assert tall / wide == pytest.approx(60 * 11.141 / (80 * 5.58), rel=0.03)


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    change = made(tmp_path, make_grid(200, 200))
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        plot_change(change, tmp_path / "file" / "c.png")
