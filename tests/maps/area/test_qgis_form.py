"""What the style of a sample says; that QGIS reads it so is seen in tests/integration/test_qgis_samples.py."""

from __future__ import annotations

from xml.etree import ElementTree

from affine import Affine

from tests.support.rasters import UTM33, make_grid
from watermap.geo.grid import Grid
from watermap.maps.area.qgis_form import COLORS, sample_style
from watermap.maps.area.samples import ANSWERS


def parsed(grid: Grid) -> ElementTree.Element:
    return ElementTree.fromstring(sample_style(grid).partition("\n")[2])  # noqa: S314 (our own text)


def test_every_answer_and_none_has_a_colour_and_a_choice() -> None:
    root = parsed(make_grid())
    categories = {each.get("label"): each.get("value") for each in root.iter("category")}
    assert categories == {**{name: str(code) for name, code in ANSWERS.items()}, "open": ""}
    assert len({each.get("symbol") for each in root.iter("category")}) == len(set(COLORS.values())) == 4
    choices = [each.get("name") for each in root.iter("Option") if each.get("type") == "QString"]
    assert choices == list(categories)


def test_the_stratum_is_shown_nowhere() -> None:
    root = parsed(make_grid())
    assert [each.get("name") for each in root.iter("attributeEditorField")] == ["id", "truth", "remark"]
    hidden = {each.get("name"): each.get("hidden") for each in root.iter("column")}
    assert hidden == {"fid": "1", "id": "0", "truth": "0", "remark": "0", "stratum": "1"}
    locked = {each.get("name") for each in root.iter("field") if each.get("editable") == "0"}
    assert locked == {"id", "stratum"}


def test_the_outline_is_that_of_the_pixel_on_a_turned_grid_too() -> None:
    grid = Grid(UTM33, Affine(8, 6, 500_000, 6, -8, 5_300_000), 4, 4)
    sample = {each.get("v") for each in parsed(grid).iter("prop") if each.get("k") == "geometryModifier"}
    (text,) = sample
    assert text is not None
    assert "make_point($x + -7.0, $y + 1.0), make_point($x + 1.0, $y + 7.0)" in text
