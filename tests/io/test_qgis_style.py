"""Styles say what their rasters and layers say; that QGIS takes them is tested where there is a QGIS."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.folders import listing
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout
from watermap.io.qgis_style import RAMP, style_path, write_polygon_style, write_raster_style
from watermap.legend import LAND, WATER, WATER_COLORS, Rgba


def parsed(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()  # noqa: S314  # our own file


def rgba(entry: ElementTree.Element) -> Rgba:
    red, green, blue = bytes.fromhex(entry.attrib["color"].removeprefix("#"))
    return red, green, blue, int(entry.attrib["alpha"])


def test_a_style_lies_where_qgis_looks_for_it(tmp_path: Path) -> None:
    path = write_raster_style(tmp_path / "a_water.tif", LABEL_LAYOUT)
    assert path == style_path(tmp_path / "a_water.tif") == tmp_path / "a_water.qml"
    assert listing(tmp_path) == ["a_water.qml"]
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE qgis")


def test_classes_have_their_names_and_colours_and_no_data_is_left_out(tmp_path: Path) -> None:
    entries = parsed(write_raster_style(tmp_path / "a.tif", LABEL_LAYOUT)).findall(".//paletteEntry")
    found = {int(entry.attrib["value"]): (entry.attrib["label"], rgba(entry)) for entry in entries}
    assert found == {LAND: ("land", WATER_COLORS[LAND]), WATER: ("water", WATER_COLORS[WATER])}


@pytest.mark.parametrize(("value_range", "values"), [((0, 100), [0, 25, 50, 75, 100]), (None, [0, 0.25, 0.5, 0.75, 1])])
def test_measurements_have_a_ramp_from_none_to_all(
    value_range: tuple[float, float] | None, values: list[float], tmp_path: Path
) -> None:
    layout = RasterLayout("float32", ("probability",), None, "average", value_range=value_range)
    items = parsed(write_raster_style(tmp_path / "a.tif", layout)).findall(".//colorrampshader/item")
    assert [float(item.attrib["value"]) for item in items] == values
    assert [item.attrib["label"] for item in items] == ["0%", "25%", "50%", "75%", "100%"]
    assert [rgba(item) for item in items] == list(RAMP)


def test_a_ramp_of_its_own_is_kept_to_its_ends(tmp_path: Path) -> None:
    ramp: tuple[tuple[float, Rgba], ...] = ((-0.8, (1, 2, 3, 255)), (0.125, (4, 5, 6, 255)), (0.5, (7, 8, 9, 255)))
    layout = RasterLayout("float32", ("index",), None, "average", value_range=(-1, 1), ramp=ramp)
    root = parsed(write_raster_style(tmp_path / "a.tif", layout))
    items = root.findall(".//colorrampshader/item")
    assert [(float(item.attrib["value"]), rgba(item)) for item in items] == list(ramp)
    assert [item.attrib["label"] for item in items] == ["-0.8", "0.125", "0.5"]
    (shader,) = root.iter("colorrampshader")
    assert (shader.attrib["minimumValue"], shader.attrib["maximumValue"]) == ("-0.8", "0.5")
    assert (shader.attrib["colorRampType"], shader.attrib["clip"]) == ("INTERPOLATED", "0")


def test_polygons_have_a_colour_by_the_value_of_a_field(tmp_path: Path) -> None:
    classes: dict[str, Rgba] = {"gained": (1, 2, 3, 255), "lost & found": (4, 5, 6, 255)}
    root = parsed(write_polygon_style(tmp_path / "a.gpkg", classes, field="change"))
    renderer = root.find("renderer-v2")
    assert renderer is not None
    assert (renderer.attrib["type"], renderer.attrib["attr"]) == ("categorizedSymbol", "change")
    categories = {each.attrib["value"]: each.attrib["symbol"] for each in root.findall(".//category")}
    symbols = {each.attrib["name"]: each for each in root.findall(".//symbol")}
    for name, (red, green, blue, _) in classes.items():
        options = {each.attrib["k"]: each.attrib["v"] for each in symbols[categories[name]].iter("prop")}
        assert options["color"] == f"{red},{green},{blue},128"  # half transparent
        assert options["outline_color"] == f"{red},{green},{blue},255"


def test_polygons_of_one_kind_have_one_symbol(tmp_path: Path) -> None:
    root = parsed(write_polygon_style(tmp_path / "a.gpkg", {"water": WATER_COLORS[WATER]}))
    assert len(root.findall(".//symbol")) == 1
    assert root.find(".//category") is None
