"""What STAC items of scenes and of maps say alike: where, on which grid, in which files.

Fields are written out. Of pystac's extension classes those for bands write the `eo:bands` and `raster:bands` of STAC
1.0 (versions 1.1 of both extensions), and those for files and projections need the asset in its item first, take as
many lines, and would name another version of their schema with another pystac: the same scene gives the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import shapely
from rasterio.enums import WktVersion
from shapely.geometry import MultiPolygon, shape
from shapely.geometry.polygon import orient

from watermap.geo.crs import to_lon_lat
from watermap.geo.grid import Grid
from watermap.io.files import file_digest, write_text
from watermap.io.raster import Raster

SHA256: Final = "1220"
"""What a multihash of SHA-256 starts with: the algorithm's code and the digest's 32 bytes."""
EXTENSION: Final = "https://stac-extensions.github.io/{}/schema.json"
FILE_AND_PROJECTION: Final = (EXTENSION.format("file/v2.1.0"), EXTENSION.format("projection/v2.0.0"))

_OUTLINE_POINTS: Final = 64
"""About so many points of an outline are transformed: edges that are straight in the scene's CRS bend in degrees."""
_STRAIGHT_DEGREES: Final = 1e-6
"""A decimetre: points that lie nearer to a straight edge are left out."""
_DEGREE_DIGITS: Final = 7
"""A centimetre; more would differ by the version of PROJ."""
_TOUCHES_DEGREES: Final = 1e-6
"""What lies nearer to the antimeridian was cut there."""


def write_document(path: Path, content: Mapping[str, Any]) -> Path:
    """Write an item or a catalog.

    Raises:
        DataError: it cannot be written.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def utc(moment: datetime) -> datetime:
    """A moment in UTC; one without a time zone is taken for that."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def projection(grid: Grid) -> dict[str, Any]:
    """The grid in the words of STAC's projection extension 2; a CRS without a code is spelled out."""
    authority = grid.crs.to_authority(confidence_threshold=100)
    code = {"proj:code": ":".join(authority) if authority else None}
    if authority is None:
        code["proj:wkt2"] = grid.crs.to_wkt(version=WktVersion.WKT2_2019)
    return code | {"proj:shape": list(grid.shape), "proj:transform": list(grid.transform)[:6]}


def file_asset(
    path: Path,
    role: str,
    fields: Mapping[str, Any],
    *,
    description: str | None = None,
    media_type: str | None = None,
    digest: str | None = None,
) -> Any:
    """The asset for a file in the item's folder, with its size in bytes and its checksum; a COG unless stated.

    Its href is a URL. Readers decode it; pystac leaves that to its caller where an item lies on a disk.
    """
    import pystac

    return pystac.Asset(
        href(path.name),
        description=description,
        media_type=media_type or pystac.MediaType.COG,
        roles=[role],
        extra_fields={**fields, **checksum(path, digest)},
    )


def checksum(path: Path, digest: str | None = None) -> dict[str, Any]:
    """Size in bytes and checksum of a file in the words of STAC's file extension.

    Args:
        path: the file.
        digest: its SHA-256, where that is known already.
    """
    return {"file:size": path.stat().st_size, "file:checksum": SHA256 + (digest or file_digest(path))}


def href(path: str) -> str:
    """A path below a document's folder as a relative URL."""
    return f"./{quote(path)}"


def pixel_fields(raster: Raster) -> dict[str, Any]:
    """Type and no-data value, where there is one, in the words of STAC 1.1."""
    value = raster.no_data
    fields: dict[str, Any] = {"data_type": raster.dtype.name}
    if value is not None:
        fields["nodata"] = str(value) if not math.isfinite(value) else int(value) if value == int(value) else value
    return fields


def footprint(grid: Grid) -> Any:
    """The outline of a grid in degrees, counter-clockwise; in two parts at the antimeridian."""
    outline = shape(grid.footprint())
    outline = shapely.segmentize(outline, max_segment_length=outline.length / _OUTLINE_POINTS)
    (degrees,) = to_lon_lat([outline], grid.crs)
    degrees = shapely.transform(degrees.simplify(_STRAIGHT_DEGREES), lambda points: points.round(_DEGREE_DIGITS))
    parts = [orient(part) for part in shapely.get_parts(degrees)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def bbox(geometry: Any) -> list[float]:
    """West, south, east, north in degrees; west is greater than east where the antimeridian lies between.

    It does where parts touch it from both sides.

    Source: RFC 7946, section 5.2.
    """
    west, south, east, north = geometry.bounds
    boxes = shapely.bounds(shapely.get_parts(geometry)).tolist()
    starts = [box[0] for box in boxes if box[0] >= 0]
    ends = [box[2] for box in boxes if box[0] < 0]
    if starts and ends and west <= _TOUCHES_DEGREES - 180 and east >= 180 - _TOUCHES_DEGREES:
        west, east = min(starts), max(ends)
    return [west, south, east, north]
