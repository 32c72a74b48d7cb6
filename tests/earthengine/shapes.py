"""Areas as people write them down."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely

BOX = shapely.box(12.1, 47.5, 12.9, 48)
LINE = shapely.LineString([(12, 47), (13, 48)])
POINT = shapely.Point(12, 47)


def write(
    path: Path,
    shapes: Sequence[Any],
    *,
    crs: str | None = "EPSG:4326",
    kind: str = "Unknown",
    layer: str | None = None,
    append: bool = False,
) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no CRS is on purpose
        blobs = shapely.to_wkb(np.array(shapes, dtype=object))
        numbers = [np.arange(len(shapes))]
        pyogrio.raw.write(path, blobs, numbers, ["n"], geometry_type=kind, crs=crs, layer=layer, append=append)
    return path


def text_file(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def feature(shape: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {},
        "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
    }


def collection(*shapes: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [feature(shape) for shape in shapes]}
