"""STAC: an item beside each water map that names what it was made of, by which bundle, and its files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final

from shapely.geometry import mapping

from watermap.io.layouts import LABEL_LAYOUT, RasterLayout
from watermap.io.raster import Raster, open_raster
from watermap.io.stac import (
    EXTENSION,
    FILE_AND_PROJECTION,
    bbox,
    checksum,
    file_asset,
    footprint,
    href,
    pixel_fields,
    projection,
    write_document,
)
from watermap.legend import NO_DATA
from watermap.prediction.outputs import REASON_END, REASON_LAYOUT
from watermap.scenes.dates import sensed_on

_CLASSIFICATION: Final = EXTENSION.format("classification/v2.0.0")
_PROCESSING: Final = EXTENSION.format("processing/v1.2.0")
_PREFIX: Final = "WATERMAP_"
_RASTER: Final = ".tif"
_VERSION: Final = "WATERMAP_VERSION"
_FIRST_IMAGE: Final = datetime(2015, 6, 27, tzinfo=UTC)
"""Of Sentinel-2: before it, nothing was seen."""


def write_map_item(
    path: Path, water: Path, others: Mapping[str, Path], *, source: str, digests: Mapping[Path, str] | None = None
) -> Path:
    """Describe a water raster and the files beside it.

    What made the raster is taken from its own tags. Where no date is known, the item says that it was seen at some time
    between the first image of Sentinel-2 and the writing of the raster.

    Args:
        path: of the item, in the folder of the files.
        water: the water raster.
        others: files that belong to it, by key: "probability", "uncertainty", "reason", "quicklook", "bodies",
            "style", or the name of an index.
        source: where the scene lies that it was made of.
        digests: SHA-256 of the files of which it is known already.

    Raises:
        DataError: a file cannot be read, or the item cannot be written.
    """
    import pystac

    with open_raster(water) as raster:
        grid, tags = raster.grid, raster.dataset.tags()
        fields = pixel_fields(raster) | {"classification:classes": _classes(LABEL_LAYOUT)}
        day = sensed_on(water, tags)
    geometry = footprint(grid)
    written = datetime.fromtimestamp(water.stat().st_mtime, tz=UTC).replace(microsecond=0)
    moment = None if day is None else datetime.combine(day, time(), tzinfo=UTC)
    item = pystac.Item(
        path.stem.removesuffix("_item"),
        mapping(geometry),
        bbox(geometry),
        moment,
        _properties(tags) | projection(grid),
        start_datetime=None if moment else _FIRST_IMAGE,
        end_datetime=None if moment else written,
        stac_extensions=[*FILE_AND_PROJECTION, _CLASSIFICATION, _PROCESSING],
    )
    item.add_link(pystac.Link("derived_from", source, title=tags.get("WATERMAP_SCENE")))
    known = digests or {}
    codes = "0 land, 1 water, 255 no data"
    item.add_asset("water", file_asset(water, "data", fields, description=codes, digest=known.get(water)))
    for key, file in others.items():
        item.add_asset(key, _asset(key, file, known.get(file)))
    return write_document(path, item.to_dict(transform_hrefs=False))


def refresh_asset(item: Path, file: Path) -> None:
    """Have an item that lists a file in its folder say what this holds now; any other stays as it is.

    Args:
        item: of a map; there may be none.
        file: that was made again.

    Raises:
        DataError: the item cannot be written.
    """
    try:
        content = json.loads(item.read_text(encoding="utf-8"))
        listed = [asset for asset in content["assets"].values() if asset["href"] == href(file.name)]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none, or something else in its place
        return
    for asset in listed:
        asset.update(checksum(file))
    if listed:
        write_document(item, content)


def _classes(layout: RasterLayout) -> Sequence[Mapping[str, Any]]:
    """The codes of a raster in the words of STAC's classification extension."""
    colors = layout.colors or {}
    known: list[dict[str, Any]] = [
        {"value": code, "name": name.replace(" ", "_"), "color_hint": bytes(colors[code][:3]).hex().upper()}
        for code, name in layout.classes.items()
    ]
    return known if NO_DATA in layout.classes else [*known, {"value": NO_DATA, "name": "no_data", "nodata": True}]


def _properties(tags: Mapping[str, str]) -> dict[str, Any]:
    """What made the raster: the bundle, its id, the engine, the settings, the scene's digest."""
    stated = {
        f"watermap:{name.removeprefix(_PREFIX).lower()}": value
        for name, value in sorted(tags.items())
        if name.startswith(_PREFIX) and name != _VERSION
    }
    return stated | {"processing:software": {"watermap": tags.get(_VERSION, "unknown")}}


def _asset(key: str, file: Path, digest: str | None) -> Any:
    import pystac

    if file.suffix == _RASTER:
        with open_raster(file) as raster:
            description = "; ".join(name for name in raster.names if name)
            fields = _measured(raster)
        if key == REASON_END:
            fields = {name: value for name, value in fields.items() if name != "unit"}
            fields["classification:classes"] = _classes(REASON_LAYOUT)
        return file_asset(file, "data", fields, description=description, digest=digest)
    kinds = {
        ".png": ("overview", pystac.MediaType.PNG),
        ".qml": ("style", "application/xml"),
        ".gpkg": ("data", pystac.MediaType.GEOPACKAGE),
    }
    role, media_type = kinds[file.suffix]
    return file_asset(file, role, {}, media_type=media_type, digest=digest)


def _measured(raster: Raster) -> Mapping[str, Any]:
    return pixel_fields(raster) | ({"unit": "%"} if raster.dtype.name == "uint8" else {})
