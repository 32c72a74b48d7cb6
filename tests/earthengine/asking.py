"""How tests ask the loopback server by the real clients, and the scenes that they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ee
import rasterio
from google.oauth2 import service_account
from rasterio.io import MemoryFile

from tests.earthengine.login import PROJECT
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import Numbers
from watermap.config import ExportConfig
from watermap.geo.grid import Grid

FIRST = "20230614T101031_20230614T101026_T33TTN"
BESIDE = "20230614T101031_20230614T101026_T33TUN"
ACROSS = "20230617T102031_20230617T102027_T32TQT"
CLOUDY = "20230619T101609_20230619T101604_T33TTN"
LAST = "20230624T101031_20230624T101027_T33TTN"
CLEAR = [FIRST, BESIDE, ACROSS, LAST]


def config(**settings: Any) -> ExportConfig:
    """Of June 2023, when the world was seen."""
    return ExportConfig(**{"start": "2023-06-01", "end": "2023-06-30", **settings})


def credentials(key: Path) -> Any:
    """Of the server's service account."""
    account: Any = service_account.Credentials
    return account.from_service_account_file(str(key), scopes=ee.oauth.SCOPES)


def initialize(server: LoopbackServer, key: Path) -> None:
    """Start the Earth Engine client; it tries nothing twice."""
    deprecation: Any = ee.deprecation
    deprecation.deprecated_assets = {"": None}  # else the client fetches a public file
    ee.data.setMaxRetries(0)
    ee.Initialize(credentials(key), url=server.url, project=PROJECT)


def wire_grid(grid: Grid) -> dict[str, Any]:
    """A grid as the API takes it."""
    names = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
    return {
        "dimensions": {"width": grid.width, "height": grid.height},
        "affineTransform": dict(zip(names, list(grid.transform)[:6], strict=True)),
        "crsCode": f"EPSG:{grid.crs.to_epsg()}",
    }


def read(content: bytes) -> tuple[Numbers, Grid, float | None]:
    """(bands, rows, cols), grid and no-data value of a GeoTIFF."""
    with MemoryFile(content) as memory, rasterio.open(memory.name) as dataset:
        return dataset.read(), Grid(dataset.crs, dataset.transform, dataset.width, dataset.height), dataset.nodata


def compute(graph: Any, grid: Grid) -> Numbers:
    """(bands, rows, cols) of a graph on a grid, by one request."""
    answer = ee.data.computePixels({"expression": graph, "fileFormat": "GEO_TIFF", "grid": wire_grid(grid)})
    values, found, _ = read(answer)
    assert found == grid
    return values
