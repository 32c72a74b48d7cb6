"""What goes over the wire: requests and answers, and the checks that the service makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.io import MemoryFile

from tests.earthengine.world import Numbers
from watermap.geo.grid import Grid

STATUS_NAMES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

_DIMENSIONS: Final = {"width": None, "height": None}

_GRID: Final = {
    "dimensions": _DIMENSIONS,
    "affineTransform": dict.fromkeys(("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")),
    "crsCode": None,
    "crsWkt": None,
}

COMPUTE_FIELDS: Final = dict.fromkeys(("expression", "workloadTag"))

PIXELS_FIELDS: Final = {
    **dict.fromkeys(("expression", "fileFormat", "bandIds", "visualizationOptions", "workloadTag")),
    "grid": _GRID,
}

EXPORT_FIELDS: Final = {
    **dict.fromkeys(("expression", "description", "requestId", "workloadTag")),
    **{name: {"value": None} for name in ("maxPixels", "maxWorkers", "priority")},
    "grid": _GRID,
    "fileExportOptions": {
        "fileFormat": None,
        "driveDestination": dict.fromkeys(("folder", "filenamePrefix")),
        "cloudStorageDestination": dict.fromkeys(("bucket", "filenamePrefix", "permissions", "bucketCorsUris")),
        "geoTiffOptions": {
            **dict.fromkeys(("cloudOptimized", "skipEmptyFiles", "metadataKeys")),
            "tileDimensions": _DIMENSIONS,
            "tileSize": {"value": None},
            "noData": {"floatValue": None},
        },
    },
}
"""Every field that the API has, and None for those whose content is not looked into."""


class ServiceError(Exception):
    """What the service answers instead of a result.

    Attributes:
        status: of HTTP.
        message: the service's words.
        reason: machine-readable, such as `rateLimitExceeded`; empty for none.
    """

    def __init__(self, status: int, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.reason = status, message, reason


@dataclass(frozen=True)
class Asked:
    """One request: what is asked for, by whom, with what."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes

    def json(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The body; refused where it has a field that the API does not know."""
        body: dict[str, Any] = json.loads(self.content)
        _check_fields(body, fields, "")
        return body


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    content: bytes
    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What becomes of a request.

    Attributes:
        answer: to send, or None to end the connection.
        how: `whole`, `half` (of what was announced), `reset` or `close`.
    """

    answer: Answer | None
    how: str = "whole"


@dataclass(frozen=True)
class Record:
    """One request that came.

    Attributes:
        phase: what it belongs to.
        method: of HTTP.
        path: without the query.
        status: of the answer; 0 where there was none.
        fault: what went wrong on purpose.
        content: what was posted.
    """

    phase: str
    method: str
    path: str
    status: int
    fault: int | str | None
    content: bytes


def json_answer(value: Any, *, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(json.dumps(value).encode(), status)


def error_answer(error: ServiceError) -> Answer:
    """An error in Google's form."""
    body: dict[str, Any] = {"code": error.status, "message": error.message}
    body["status"] = STATUS_NAMES.get(error.status, "UNKNOWN")
    if error.reason:
        body["errors"] = [{"message": error.message, "domain": "usageLimits", "reason": error.reason}]
    return json_answer({"error": body}, status=error.status)


def read_grid(stated: Mapping[str, Any] | None) -> Grid:
    """The pixel grid of a request.

    Raises:
        ServiceError: there is none, or it is not one.
    """
    if not stated:
        raise ServiceError(400, "a request without a grid would be made on the image's own: state one")
    try:
        to, size = stated["affineTransform"], stated["dimensions"]
        names = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
        transform = Affine(*(float(to.get(name, 0)) for name in names))
        crs = CRS.from_wkt(stated["crsWkt"]) if "crsWkt" in stated else CRS.from_string(stated["crsCode"])
        grid = Grid(crs, transform, int(size["width"]), int(size["height"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ServiceError(400, f"Invalid pixel grid: {error!r}") from error
    if min(grid.shape) < 1 or transform.determinant == 0:
        raise ServiceError(400, "Pixel grid dimensions and scales must not be 0.")
    return grid


def geotiff(names: tuple[str, ...], values: Numbers, grid: Grid, *, no_data: float | None = None) -> bytes:
    """(bands, rows, cols) as the bytes of a GeoTIFF."""
    profile = {"driver": "GTiff", "count": len(values), "dtype": values.dtype.name, "nodata": no_data}
    place = {"crs": grid.crs, "transform": grid.transform, "width": grid.width, "height": grid.height}
    with MemoryFile() as memory:
        with rasterio.open(memory.name, "w", compress="deflate", **profile, **place) as dataset:
            dataset.write(values)
            dataset.descriptions = names
        return bytes(memory.read())


def _check_fields(body: Any, fields: Mapping[str, Any], where: str) -> None:
    if not isinstance(body, dict):
        raise ServiceError(400, f"Invalid value at '{where}'")
    for name, content in body.items():
        if name not in fields:
            raise ServiceError(
                400, f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
            )
        if fields[name] is not None:
            _check_fields(content, fields[name], f"{where}.{name}".lstrip("."))
