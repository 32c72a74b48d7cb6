"""Labels: how one is read, and the lab that compares, joins and mends them."""

from __future__ import annotations

from watermap.labels.reading import (
    LABEL,
    WATER_RASTER,
    WATERMAP_CODES,
    Codes,
    Kind,
    Label,
    listed,
    open_label,
)

__all__ = ["LABEL", "WATERMAP_CODES", "WATER_RASTER", "Codes", "Kind", "Label", "listed", "open_label"]
