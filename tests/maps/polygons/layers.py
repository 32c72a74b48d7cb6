"""Layers of polygons as they are read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import shapely

from tests.support.bodies import Codes
from tests.support.rasters import make_grid, write_tif
from watermap.config import VectorizeConfig
from watermap.geo.grid import Grid
from watermap.legend import NO_DATA
from watermap.maps.polygons.vectorize import vectorize

PLAIN = VectorizeConfig()


@dataclass(frozen=True)
class Layer:
    crs: str
    polygons: Any
    fields: Mapping[str, Any]


def read(path: Path) -> Layer:
    meta, _, blobs, columns = pyogrio.raw.read(path, layer="water")
    names = meta["fields"].tolist()
    assert names[:3] == ["id", "area_m2", "perimeter_m"]
    assert names[3:] == ["mean_probability", "size_class", "touches_edge", "date"]
    assert meta["geometry_type"] == "Polygon"
    return Layer(meta["crs"], shapely.from_wkb(blobs), dict(zip(names, columns, strict=True)))


def water_tif(folder: Path, codes: Codes, grid: Grid | None = None, name: str = "lake_water.tif", **more: Any) -> Path:
    grid = grid or make_grid(codes.shape[1], codes.shape[0])
    return write_tif(folder / name, codes[None], grid, no_data=NO_DATA, **more)


def made(folder: Path, codes: Codes, grid: Grid | None = None, **config: Any) -> Layer:
    vectorize(water_tif(folder, codes, grid), folder / "lake.gpkg", VectorizeConfig(**config), rows=7)
    return read(folder / "lake.gpkg")


def speckled(shape: tuple[int, int], *, seed: int = 0, share: float = 0.55) -> Codes:
    return (np.random.default_rng(seed).random(shape) < share).astype(np.uint8)
