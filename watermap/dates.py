"""The date that a raster shows: what its tags say, else what its name does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Final

DATE_TAG: Final = "WATERMAP_DATE"
"""The metadata of a raster that says which date it shows, as YYYY-MM-DD."""

_TAGS: Final = (DATE_TAG, "ACQUISITION_DATE", "ACQUISITIONDATETIME")
_SCENE_TAG: Final = "WATERMAP_SCENE"
_DATE: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_]?)(\d\d)\2(\d\d)(?!\d)")


def shown_date(name: str, tags: Mapping[str, str]) -> date | None:
    """The date that a raster shows, None where nothing tells it.

    A tag that states it comes first, then its name, then the name of the scene it was made from. Of several dates in a
    name the first is taken: in those of Sentinel-2 products it is the day they were sensed. TIFF's own date is passed
    over, since it tells when a file was made.

    Args:
        name: of the file.
        tags: the metadata of the dataset.
    """
    texts = (*(tags.get(tag, "") for tag in _TAGS), name, tags.get(_SCENE_TAG, ""))
    return next((found for text in texts if (found := _first_date(text)) is not None), None)


def _first_date(text: str) -> date | None:
    """The first date YYYYMMDD or YYYY-MM-DD in a text that the calendar knows."""
    for match in _DATE.finditer(text):
        with suppress(ValueError):
            return date(int(match[1]), int(match[3]), int(match[4]))
    return None
