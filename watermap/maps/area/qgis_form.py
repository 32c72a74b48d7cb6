"""How QGIS shows a sample: a ring and the outline of the pixel, coloured by answer, and a form that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree

from watermap.geo.grid import Grid
from watermap.io.qgis_style import style_text
from watermap.legend import Rgba
from watermap.maps.area.samples import ANSWERS, TRUTH

COLORS: Final[Mapping[str, Rgba]] = {
    "water": (31, 119, 200, 255),
    "land": (230, 159, 0, 255),
    "cannot tell": (120, 120, 120, 255),
    "open": (214, 0, 147, 255),
}
"""Of the answers, and of what has none."""

_HIDDEN: Final = "stratum"
"""Who knows what a pixel was mapped as sees it in the picture."""
_READ_ONLY: Final = "id"
_ROW: Final = "fid"
"""A GeoPackage's own number of a row."""
_FIELDS: Final = (_READ_ONLY, TRUTH, "remark", _HIDDEN)
_NULL: Final = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
"""QGIS's word for NULL among the values of a field."""
_CATEGORIES: Final = "Symbology|Fields|Forms|MapTips|AttributeTable"
_RING_MM: Final = 6.0
_HALO: Final = "255,255,255,220"
_CORNERS: Final = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5))
"""Of a pixel, from its middle in columns and rows; the first is also the last."""


def sample_style(grid: Grid) -> str:
    """The style of the layer of samples.

    A ring shows from afar where a sample lies, the outline of its pixel what is asked about. The form offers the
    answers by name; the stratum is in no form and no table, so that nobody is told what the map says.

    Args:
        grid: of the raster that was sampled.
    """
    layout = _element("editorlayout", text="tablayout")  # that of the form below, not of all fields
    name = _element("previewExpression", text='"id"')
    parts = [_renderer(grid), _field_widgets(), _editable(), layout, _form(), _table(), name]
    return style_text(parts, _CATEGORIES)


def _renderer(grid: Grid) -> ElementTree.Element:
    codes = {**{name: str(code) for name, code in ANSWERS.items()}, "open": ""}
    categories = _element("categories")
    symbols = _element("symbols")
    for number, (name, color) in enumerate(COLORS.items()):
        given = {"symbol": str(number), "value": codes[name], "label": name, "render": "true"}
        categories.append(_element("category", given))
        symbols.append(_symbol(str(number), color, grid))
    kind = {"type": "categorizedSymbol", "attr": TRUTH, "symbollevels": "0", "enableorderby": "0", "forceraster": "0"}
    return _element("renderer-v2", kind, categories, symbols)


def _symbol(name: str, color: Rgba, grid: Grid) -> ElementTree.Element:
    inked = ",".join(map(str, color))
    layers = [_outline(f"@{name}@{number}", *ink, grid) for number, ink in enumerate(((_HALO, 0.9), (inked, 0.4)))]
    layers += [_ring(_HALO, 1.5), _ring(inked, 0.7)]
    return _element("symbol", {"type": "marker", "name": name, "alpha": "1", "clip_to_extent": "1"}, *layers)


def _ring(color: str, width_mm: float) -> ElementTree.Element:
    options = {
        "name": "circle",
        "color": "0,0,0,0",
        "outline_color": color,
        "outline_style": "solid",
        "outline_width": f"{width_mm:g}",
        "outline_width_unit": "MM",
        "size": f"{_RING_MM:g}",
        "size_unit": "MM",
    }
    return _layer("SimpleMarker", options)


def _outline(name: str, color: str, width_mm: float, grid: Grid) -> ElementTree.Element:
    """The outline of the pixel, in the map's own coordinates, so that it is right in a project of any CRS."""
    line = _layer("SimpleLine", {"line_color": color, "line_width": f"{width_mm:g}", "line_width_unit": "MM"})
    symbol = _element("symbol", {"type": "line", "name": name, "alpha": "1", "clip_to_extent": "1"}, line)
    options = {"SymbolType": "Line", "units": "MapUnit", "geometryModifier": f"make_line({_corners(grid)})"}
    layer = _layer("GeometryGenerator", options)
    layer.append(symbol)
    return layer


def _corners(grid: Grid) -> str:
    """The corners of the pixel around a point, in QGIS's words."""
    t = grid.transform
    steps = [(t.a * col + t.b * row, t.d * col + t.e * row) for col, row in _CORNERS]
    return ", ".join(f"make_point($x + {x!r}, $y + {y!r})" for x, y in steps)


def _field_widgets() -> ElementTree.Element:
    choices = {**{name: str(code) for name, code in ANSWERS.items()}, "open": _NULL}
    offered = [
        _element("Option", {"type": "Map"}, _element("Option", {"type": "QString", "name": name, "value": value}))
        for name, value in choices.items()
    ]
    mapped = _element("Option", {"type": "Map"}, _element("Option", {"type": "List", "name": "map"}, *offered))
    widgets = {TRUTH: ("ValueMap", mapped), _HIDDEN: ("Hidden", _element("Option"))}
    found = _element("fieldConfiguration")
    for name in _FIELDS:
        kind, options = widgets.get(name, ("TextEdit", _element("Option")))
        widget = _element("editWidget", {"type": kind}, _element("config", {}, options))
        found.append(_element("field", {"name": name}, widget))
    return found


def _editable() -> ElementTree.Element:
    locked = [_element("field", {"name": name, "editable": "0"}) for name in (_READ_ONLY, _HIDDEN)]
    return _element("editable", {}, *locked)


def _form() -> ElementTree.Element:
    """What is asked of a sample, and nothing else of it is shown."""
    shown = [name for name in _FIELDS if name != _HIDDEN]
    fields = [
        _element("attributeEditorField", {"name": name, "index": str(_FIELDS.index(name)), "showLabel": "1"})
        for name in shown
    ]
    return _element("attributeEditorForm", {}, *fields)


def _table() -> ElementTree.Element:
    """The table of all samples, in the order in which they are to be answered."""
    hidden = (_ROW, _HIDDEN)
    columns = [
        _element("column", {"type": "field", "name": name, "width": "-1", "hidden": "1" if name in hidden else "0"})
        for name in (_ROW, *_FIELDS)
    ]
    order = {"sortExpression": '"id"', "sortOrder": "0", "actionWidgetStyle": "dropDown"}
    return _element("attributetableconfig", order, _element("columns", {}, *columns))


def _layer(kind: str, options: Mapping[str, str]) -> ElementTree.Element:
    given = {"class": kind, "enabled": "1", "pass": "0", "locked": "0"}
    return _element("layer", given, *(_element("prop", {"k": key, "v": value}) for key, value in options.items()))


def _element(
    tag: str, given: Mapping[str, str] | None = None, *parts: ElementTree.Element, text: str | None = None
) -> ElementTree.Element:
    made = ElementTree.Element(tag, dict(given or {}))
    made.text = text
    made.extend(parts)
    return made
