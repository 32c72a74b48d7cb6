"""STAC: an item beside each scene that says what it is and proves that it is whole, and a catalog of the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from shapely.geometry import mapping

from watermap.bands import SENTINEL2
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.files import file_digest
from watermap.io.raster import Raster, open_raster
from watermap.io.stac import (
    EXTENSION,
    FILE_AND_PROJECTION,
    SHA256,
    bbox,
    file_asset,
    footprint,
    pixel_fields,
    projection,
    utc,
    write_document,
)
from watermap.scenes.find import IMAGE_FILE
from watermap.scenes.folder import LABEL_FILE, Scene
from watermap.scenes.label import stated_label

ITEM_FILE: Final = "item.json"
CATALOG_FILE: Final = "catalog.json"
UNSTATED: Final = "unstated"

_NOT_IN_NAMES: Final = {ord(letter): quote(letter) for letter in "%#?"}
"""What ends a name in a URL, or stands for another letter; pystac opens a link on disk without decoding the rest."""
_REQUESTS: Final = "watermap:requests"
_EO: Final = EXTENSION.format("eo/v2.0.0")
"""The first version for the bands of STAC 1.1; it has our names of the red edge. It must not be named if not used."""
_LABEL_CODES: Final = "0 land, 1 water, 255 no data or unknown"


@dataclass(frozen=True)
class SceneFacts:
    """What a scene's pixels do not tell.

    Attributes:
        sensed: first and last moment, UTC; equal for a single scene.
        source: asset id of the image, or for a composite what it was made of.
        cloud_percent: cloud cover, where known.
        label: kind of the label, e.g. "hansen", or None.
        label_source: asset ids of the label, with versions, or None.
        requests: id of the request that made the "image", and the "label".
    """

    sensed: tuple[datetime, datetime]
    source: str
    cloud_percent: float | None
    label: str | None
    label_source: str | None
    requests: Mapping[str, str]


def write_item(folder: Path, name: str, facts: SceneFacts) -> Path:
    """Describe a scene in its STAC item, which also holds the size and checksum of every file.

    The same scene gives the same bytes: no time of writing, no user and no absolute path is in them.

    Args:
        folder: holds the image and perhaps the label; may be renamed afterwards.
        name: of the scene, which is the item's id.
        facts: what the pixels do not tell.

    Returns:
        The item's path.

    Raises:
        DataError: the image or the label cannot be used, or the item cannot be written.
    """
    import pystac

    with open_raster(folder / IMAGE_FILE) as raster:
        grid, bands = raster.grid, _bands(raster)
        image = file_asset(folder / IMAGE_FILE, "data", pixel_fields(raster) | {"bands": bands})
    has_eo = facts.cloud_percent is not None or any("eo:common_name" in band for band in bands)
    geometry = footprint(grid)
    first, last = (utc(moment) for moment in facts.sensed)
    item = pystac.Item(
        name,
        mapping(geometry),
        bbox(geometry),
        first if first == last else None,
        _properties(facts) | projection(grid),
        start_datetime=None if first == last else first,
        end_datetime=None if first == last else last,
        stac_extensions=[*([_EO] if has_eo else []), *FILE_AND_PROJECTION],
    )
    for rel in (pystac.RelType.ROOT, pystac.RelType.PARENT):
        item.add_link(pystac.Link(rel, f"../{CATALOG_FILE}", pystac.MediaType.JSON))
    item.add_asset("image", image)
    if (folder / LABEL_FILE).exists():
        item.add_asset("label", _label(folder / LABEL_FILE, grid, facts))
    return write_document(folder / ITEM_FILE, item.to_dict(transform_hrefs=False))


def stated_requests(folder: Path) -> Mapping[str, str] | None:
    """The ids of the requests that a scene's item says it was made by, whatever became of its files since.

    Returns:
        None where there is no item of ours.
    """
    try:
        requests = json.loads((folder / ITEM_FILE).read_text(encoding="utf-8"))["properties"][_REQUESTS]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return requests if isinstance(requests, dict) else None


def label_kind(scene: Scene) -> str:
    """What a scene's label is, e.g. `hansen` or `hand`: as its file or the scene's item says, else `unstated`.

    Case, and blanks around it, do not make another kind of it.
    """
    try:
        if scene.label is not None and (stated := stated_label(scene.label)) is not None:
            return _plain(stated)
        found = json.loads((scene.image.parent / ITEM_FILE).read_text(encoding="utf-8"))["properties"]["watermap:label"]
    except (OSError, ValueError, LookupError, TypeError):
        return UNSTATED
    return _plain(str(found))


def _plain(kind: str) -> str:
    return kind.strip().lower() or UNSTATED


def verified(folder: Path) -> Mapping[str, str] | None:
    """The ids of the requests that made a scene, or None unless it is whole.

    Returns:
        The requests of the item, where every file that it names has the size and the checksum that it states.
    """
    try:
        item = json.loads((folder / ITEM_FILE).read_text(encoding="utf-8"))
        requests, assets = item["properties"][_REQUESTS], item["assets"]
        files = [
            (folder / unquote(asset["href"]), asset["file:size"], asset["file:checksum"]) for asset in assets.values()
        ]
        whole = (
            "image" in assets
            and isinstance(requests, dict)
            and all(path.stat().st_size == size for path, size, _ in files)
            and all(SHA256 + file_digest(path) == checksum for path, _, checksum in files)
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # no item, or something else in its place
        return None
    return requests if whole else None


def write_catalog(scenes: Path) -> Path:
    """List the scenes that have an item in a self-contained STAC catalog.

    Args:
        scenes: holds one folder a scene; hidden ones and those without an item are left out.

    Returns:
        The catalog's path.

    Raises:
        DataError: no such folder, or the catalog cannot be written.
    """
    import pystac

    if not scenes.is_dir():
        raise DataError(f"{scenes}: no such folder of scenes", hint="check the path")
    catalog = pystac.Catalog(
        "watermap-scenes", "Sentinel-2 scenes, and labels of their water.", title="Scenes of surface water"
    )
    catalog.clear_links()
    catalog.add_link(pystac.Link(pystac.RelType.ROOT, f"./{CATALOG_FILE}", pystac.MediaType.JSON))
    names = sorted(path.parent.name for path in scenes.glob(f"*/{ITEM_FILE}"))
    for name in names:
        if not name.startswith("."):
            address = f"./{name.translate(_NOT_IN_NAMES)}/{ITEM_FILE}"
            catalog.add_link(pystac.Link(pystac.RelType.ITEM, address, pystac.MediaType.GEOJSON, title=name))
    return write_document(scenes / CATALOG_FILE, catalog.to_dict(transform_hrefs=False))


def _properties(facts: SceneFacts) -> dict[str, Any]:
    known = {
        "eo:cloud_cover": facts.cloud_percent,
        "watermap:source": facts.source,
        "watermap:label": facts.label,
        "watermap:label_source": facts.label_source,
        _REQUESTS: dict(sorted(facts.requests.items())),
    }
    return {name: value for name, value in known.items() if value is not None}


def _label(path: Path, grid: Grid, facts: SceneFacts) -> Any:
    with open_raster(path) as raster:
        own = {} if raster.grid.same_as(grid) else projection(raster.grid)
        fields = pixel_fields(raster) | own
    source = f"; from {facts.label_source}" if facts.label_source else ""
    return file_asset(path, "labels", fields, description=_LABEL_CODES + source)


def _bands(raster: Raster) -> list[dict[str, Any]]:
    bands: list[dict[str, Any]] = []
    for number, (name, canonical) in enumerate(zip(raster.names, raster.bands, strict=True), start=1):
        known = SENTINEL2.get(canonical or "")
        if known is None:
            bands.append({"name": name or f"band {number}"})
        else:
            wavelength_um = round(known.wavelength_nm / 1000, 4)
            bands.append(
                {"name": known.name, "eo:common_name": known.common_name, "eo:center_wavelength": wavelength_um}
            )
    return bands
