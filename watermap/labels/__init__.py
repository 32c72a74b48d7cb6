"""Labels: how one is read, and the lab that compares, joins and mends them."""

from __future__ import annotations

from watermap.labels.reading import (
    LABEL,
    LABEL_TAG,
    WATER_RASTER,
    WATERMAP_CODES,
    Codes,
    Kind,
    Label,
    Meaning,
    listed,
    open_label,
    stated_label,
)

__all__ = [
    "LABEL",
    "LABEL_TAG",
    "WATERMAP_CODES",
    "WATER_RASTER",
    "Codes",
    "Kind",
    "Label",
    "Meaning",
    "listed",
    "open_label",
    "stated_label",
]
