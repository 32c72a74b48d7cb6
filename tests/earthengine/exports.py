"""Export operations: started once for each request id, moved on by every look at them, finished with a raster."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rasterio.windows import Window

from tests.earthengine.graph import evaluate, pixels
from tests.earthengine.images import RefusedError
from tests.earthengine.wire import ServiceError, geotiff, read_grid
from tests.earthengine.world import Numbers, World
from watermap.geo.grid import Grid

ENDED: Final = ("SUCCEEDED", "FAILED", "CANCELLED")

_MOST_PIXELS: Final = 100_000_000
_METADATA: Final = "type.googleapis.com/google.earthengine.v1.OperationMetadata"
_CREATED: Final = "2023-11-14T22:13:20Z"
_CANCELLED: Final = {"code": 1, "message": "Cancelled."}


@dataclass
class Operation:
    """One export.

    Attributes:
        name: `projects/P/operations/ID`.
        request: what was posted.
        state: on the wire, such as PENDING or SUCCEEDED.
        looks: how often it was looked at.
        error: why it failed or was cancelled.
    """

    name: str
    request: Mapping[str, Any]
    state: str = "PENDING"
    looks: int = 0
    error: Mapping[str, Any] | None = None

    @property
    def description(self) -> str:
        """What the client called it."""
        return str(self.request.get("description", ""))

    def look(self, states: Sequence[str]) -> bool:
        """Move on to the state that this look shows; says whether the export has just succeeded."""
        if self.state in ENDED:
            return False
        if self.state == "CANCELLING":
            self.state, self.error = "CANCELLED", _CANCELLED
            return False
        self.state = states[min(self.looks, len(states) - 1)]
        self.looks += 1
        return self.state == "SUCCEEDED"

    def describe(self) -> dict[str, Any]:
        """The operation on the wire."""
        metadata = {
            "@type": _METADATA,
            "state": self.state,
            "description": self.description,
            "type": "EXPORT_IMAGE",
            "createTime": _CREATED,
            "updateTime": _CREATED,
            "priority": 100,
        }
        described: dict[str, Any] = {"name": self.name, "metadata": metadata, "done": self.state in ENDED}
        if self.error is not None:
            described["error"] = dict(self.error)
        elif described["done"]:
            described["response"] = {"@type": "type.googleapis.com/google.earthengine.v1.ExportImageResponse"}
        return described


def check_export(request: Mapping[str, Any]) -> None:
    """Refuse what the service would refuse at once, and what no export of ours may leave out.

    Raises:
        ServiceError: so it is.
    """
    read_grid(request.get("grid"))
    if not re.fullmatch("[A-Za-z0-9-]{1,60}", str(request.get("requestId", ""))):
        raise ServiceError(400, "requestId: 1 to 60 characters of A-Z, a-z, 0-9 and - are needed")
    options = request.get("fileExportOptions", {})
    if options.get("fileFormat") != "GEO_TIFF":
        raise ServiceError(400, "fileExportOptions.fileFormat must be GEO_TIFF")
    if len({"cloudStorageDestination", "driveDestination"} & set(options)) != 1:
        raise ServiceError(400, "fileExportOptions needs one destination")
    destination = options.get("cloudStorageDestination", options.get("driveDestination"))
    if not destination.get("filenamePrefix"):
        raise ServiceError(400, "the destination needs a filenamePrefix")


def finish(
    operation: Operation, world: World, *, buckets: Mapping[str, dict[str, bytes]], drive: dict[str, bytes], side: int
) -> None:
    """Make the raster of an export and put it where it was asked for; what the service would refuse makes it fail.

    Args:
        operation: that has just succeeded.
        world: the ground.
        buckets: that there are, by name.
        drive: of the account.
        side: of the shards in which a larger raster is written to a bucket; 0 for whole files.
    """
    options = operation.request["fileExportOptions"]
    no_data = options.get("geoTiffOptions", {}).get("noData", {}).get("floatValue")
    try:
        names, values, grid = _render(operation.request, world, no_data)
        to = options.get("cloudStorageDestination")
        if to is None:
            to = options["driveDestination"]
            folder = f"{to['folder']}/" if to.get("folder") else ""
            drive[f"{folder}{to['filenamePrefix']}.tif"] = geotiff(names, values, grid, no_data=no_data)
            return
        bucket, prefix = _bucket(buckets, to.get("bucket")), to["filenamePrefix"]
    except RefusedError as error:
        operation.state, operation.error = "FAILED", {"code": 3, "message": str(error)}
        return
    if not side or max(grid.shape) <= side:
        bucket[f"{prefix}.tif"] = geotiff(names, values, grid, no_data=no_data)
        return
    for row, col in itertools.product(range(0, grid.height, side), range(0, grid.width, side)):
        part = values[:, row : row + side, col : col + side]
        shard = grid.crop(Window(col, row, part.shape[2], part.shape[1]))
        bucket[f"{prefix}{row:010d}-{col:010d}.tif"] = geotiff(names, part, shard, no_data=no_data)


def _render(request: Mapping[str, Any], world: World, no_data: float | None) -> tuple[tuple[str, ...], Numbers, Grid]:
    grid = read_grid(request["grid"])
    most = int(request.get("maxPixels", {}).get("value", _MOST_PIXELS))
    if grid.width * grid.height > most:
        raise RefusedError(f"Export too large: specified {grid.width * grid.height} pixels (max: {most}).")
    names, values = pixels(evaluate(request["expression"], world), grid, no_data=no_data or 0)
    return names, values, grid


def _bucket(buckets: Mapping[str, dict[str, bytes]], name: str | None) -> dict[str, bytes]:
    if name is None or name not in buckets:
        raise RefusedError(f"Unable to write to bucket {name} (permission denied).")
    return buckets[name]
