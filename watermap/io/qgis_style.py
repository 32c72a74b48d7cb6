"""QGIS styles: a `.qml` file beside a raster or a layer of polygons, which QGIS applies when the file is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from watermap.io.files import write_text
from watermap.io.layouts import RasterLayout
from watermap.legend import Rgba

_VERSION: Final = "3.22.0"
"""Of QGIS, which later ones read too."""
_DOCTYPE: Final = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"

RAMP: Final[Sequence[Rgba]] = (
    (247, 251, 255, 255),
    (198, 219, 239, 255),
    (107, 174, 214, 255),
    (33, 113, 181, 255),
    (8, 48, 107, 255),
)
"""From none to all, in equal steps. Source: ColorBrewer, Blues."""


def style_path(file: Path) -> Path:
    """Where QGIS looks for a file's style."""
    return file.with_suffix(".qml")


def write_raster_style(raster: Path, layout: RasterLayout) -> Path:
    """Write the style of a raster: its colour table and the names of its classes, or a ramp of colours.

    Args:
        raster: the file that the style is for.
        layout: of the raster; with a colour table, a ramp of its own, or the range of its values for one of blues.

    Raises:
        DataError: the style cannot be written.
    """
    return _write(raster, _pipe(_paletted(layout) if layout.colors is not None else _ramped(layout)))


def write_polygon_style(layer: Path, classes: Mapping[str, Rgba], *, field: str | None = None) -> Path:
    """Write the style of a layer of polygons: half transparent, with an outline in full colour.

    Args:
        layer: the file that the style is for.
        classes: colour by value of the field; without a field one colour under the name for the legend.
        field: whose value chooses the colour.

    Raises:
        DataError: the style cannot be written.
    """
    kind = {"type": "singleSymbol"} if field is None else {"type": "categorizedSymbol", "attr": field}
    renderer = ElementTree.Element(
        "renderer-v2", kind | {"symbollevels": "0", "enableorderby": "0", "forceraster": "0"}
    )
    if field is not None:
        categories = ElementTree.SubElement(renderer, "categories")
        for number, name in enumerate(classes):
            given = {"symbol": str(number), "value": name, "label": name, "render": "true"}
            ElementTree.SubElement(categories, "category", given)
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, color in enumerate(classes.values()):
        symbols.append(_fill(str(number), color))
    return _write(layer, renderer)


def style_text(content: Iterable[ElementTree.Element], categories: str = "Symbology") -> str:
    """The text of a style.

    Args:
        content: its parts.
        categories: what it says something of, in QGIS's words; the rest stays as the user has it.
    """
    root = ElementTree.Element("qgis", {"version": _VERSION, "styleCategories": categories})
    root.extend(content)
    ElementTree.SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root, " ")
    return _DOCTYPE + ElementTree.tostring(root, encoding="unicode") + "\n"


def _write(file: Path, content: ElementTree.Element) -> Path:
    path = style_path(file)
    write_text(path, style_text([content]))
    return path


def _pipe(renderer: ElementTree.Element) -> ElementTree.Element:
    pipe = ElementTree.Element("pipe")
    pipe.append(renderer)
    ElementTree.SubElement(pipe, "brightnesscontrast", {"brightness": "0", "contrast": "0"})
    ElementTree.SubElement(pipe, "rasterresampler", {"maxOversampling": "2"})
    return pipe


def _renderer(kind: str, more: Mapping[str, str]) -> ElementTree.Element:
    common = {"type": kind, "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    renderer = ElementTree.Element("rasterrenderer", common | dict(more))
    ElementTree.SubElement(renderer, "rasterTransparency")
    return renderer


def _paletted(layout: RasterLayout) -> ElementTree.Element:
    renderer = _renderer("paletted", {})
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for code, color in (layout.colors or {}).items():
        if code != layout.no_data:  # which is transparent by itself, and in no legend
            given = {"value": str(code), "color": _hex(color), "alpha": str(color[3])}
            ElementTree.SubElement(palette, "paletteEntry", given | {"label": layout.classes.get(code, str(code))})
    return renderer


def _ramped(layout: RasterLayout) -> ElementTree.Element:
    stops = layout.ramp or _blues(layout.value_range or (0.0, 1.0))
    low, high = stops[0][0], stops[-1][0]
    ends = {"classificationMin": f"{low:g}", "classificationMax": f"{high:g}"}
    renderer = _renderer("singlebandpseudocolor", ends)
    shader = ElementTree.SubElement(
        ElementTree.SubElement(renderer, "rastershader"),
        "colorrampshader",
        {"colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0"}
        | {"minimumValue": f"{low:g}", "maximumValue": f"{high:g}"},
    )
    for step, (value, color) in enumerate(stops):
        item = {"value": f"{value:g}", "color": _hex(color), "alpha": str(color[3])}
        label = f"{value:.3g}" if layout.ramp else f"{step / (len(stops) - 1):.0%}"
        ElementTree.SubElement(shader, "item", item | {"label": label})
    return renderer


def _blues(ends: tuple[float, float]) -> tuple[tuple[float, Rgba], ...]:
    low, high = ends
    return tuple((low + step / (len(RAMP) - 1) * (high - low), color) for step, color in enumerate(RAMP))


def _fill(name: str, color: Rgba) -> ElementTree.Element:
    symbol = ElementTree.Element("symbol", {"type": "fill", "name": name, "alpha": "1", "clip_to_extent": "1"})
    layer = ElementTree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"})
    red, green, blue, _ = color
    options = {
        "color": f"{red},{green},{blue},128",
        "outline_color": f"{red},{green},{blue},255",
        "outline_width": "0.3",
        "outline_width_unit": "MM",
        "outline_style": "solid",
        "style": "solid",
        "joinstyle": "round",
    }
    for key, value in options.items():
        ElementTree.SubElement(layer, "prop", {"k": key, "v": value})
    return symbol


def _hex(color: Rgba) -> str:
    return "#" + bytes(color[:3]).hex()
