"""The picture of an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.support.folders import listing
from tests.support.rasters import make_grid
from watermap.geo.grid import Grid
from watermap.io.cog import write_raster
from watermap.maps.index_picture import index_figure, plot_index
from watermap.maps.index_style import index_layout
from watermap.scenes.indices import INDICES


def _index(folder: Path, name: str = "ndwi", grid: Grid | None = None) -> Path:
    place = grid or make_grid(200, 150)
    values = np.full((1, *place.shape), -0.6, dtype=np.float32)
    values[:, :, place.width // 2 :] = 0.6
    values[:, : place.height // 10] = np.nan
    tags = {"WATERMAP_INDEX": name, "DATE": "2023-06-07"}
    return write_raster(folder / f"lake_{name}.tif", values, place, index_layout(INDICES[name]), tags=tags)


def test_it_is_a_map_with_title_date_and_the_meaning_of_its_colours(tmp_path: Path) -> None:
    path = _index(tmp_path)
    figure = index_figure(path, index_layout(INDICES["ndwi"], 0.125), threshold=0.125)
    axes, bar = figure.axes
    assert axes.get_title(loc="left") == "lake, NDWI"
    assert axes.get_title(loc="right") == "7 June 2023"
    assert bar.get_xlabel().startswith("NDWI = (B3 - B8) / (B3 + B8)")
    assert bar.get_xlabel().endswith("land < 0.125 < water")
    assert [each.get_text() for each in bar.get_xticklabels()] == ["-0.8", "-0.4", "0.4", "0.8", "0.125"]
    (picture,) = axes.images
    shown = np.asarray(picture.get_array())
    dry, wet = shown[100, 20], shown[100, 180]
    assert dry[0] > dry[2]
    assert wet[2] > wet[0]
    assert shown[5, 100, :3] == pytest.approx([0.75] * 3)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no data"]


def test_water_stands_on_its_side_of_the_bar(tmp_path: Path) -> None:
    layout = index_layout(INDICES["ndvi"])
    figure = index_figure(_index(tmp_path, "ndvi"), layout)
    assert figure.axes[1].get_xlabel().endswith("water | land")
    assert "0" in [each.get_text() for each in figure.axes[1].get_xticklabels()]


@pytest.mark.parametrize("name", ["ndwi", "awei_sh"])
@pytest.mark.parametrize("shape", [(1500, 1200), (40, 900), (900, 30), (1, 1), (12, 12)])
def test_it_is_written_for_any_shape_and_shows_its_title_whole(
    shape: tuple[int, int], name: str, tmp_path: Path
) -> None:
    grid, layout = make_grid(shape[1], shape[0]), index_layout(INDICES[name], 0.194)
    path = plot_index(_index(tmp_path, name, grid=grid), layout, tmp_path / "a.png", threshold=0.194)
    assert listing(tmp_path) == ["a.png", f"lake_{name}.tif"]
    picture = imread(path)[..., :3]
    assert min(picture.shape[:2]) > 200
    assert max(picture.shape[:2]) < 1500
    for edge in (picture[:4], picture[:, :1], picture[-4:], picture[:, -1:]):
        assert (edge == 1).all()  # nothing is cut off
