"""When a raster's ground was seen: what its tags say, or its file's name."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

DATE_TAG: Final = "DATE"
"""The metadata of a raster that says when its ground was seen, as 2023-06-01."""

_TAGS: Final = ("WATERMAP_DATE", DATE_TAG, "ACQUISITION_DATE", "ACQUISITIONDATETIME", "ACQUISITION")
_NAMES: Final = ("WATERMAP_SCENE",)
"""Tags that hold the name of the scene that a raster was made of."""
_DAY: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_:]?)(\d\d)\2(\d\d)(?!\d)")
_DAY_OF_YEAR: Final = re.compile(r"\.((?:19|20)\d\d)(\d\d\d)T\d{6}\.")
"""As in the names of HLS granules."""
_PERIOD: Final = re.compile(r"\d/\d")


def sensed_on(path: Path, tags: Mapping[str, str]) -> datetime.date | None:
    """The day on which a raster's ground was seen, None where nothing says so.

    A tag that names a day comes first, then 8 digits in the file's name (20230601 or 2023-06-01), or year and day of
    the year as HLS granules have them, then those in the name of the scene that it was made of. A period is no day, and
    when a file was written says nothing.

    Args:
        path: the raster.
        tags: its metadata.
    """
    stated = (tags[tag] for tag in _TAGS if tag in tags and not _PERIOD.search(tags[tag]))
    for text in (*stated, path.name, *(tags[tag] for tag in _NAMES if tag in tags)):
        if (day := _first_day(text)) is not None:
            return day
    return None


def _first_day(text: str) -> datetime.date | None:
    for year, _, month, number in _DAY.findall(text):
        try:
            return datetime.date(int(year), int(month), int(number))
        except ValueError:  # other digits: an orbit, a tile
            continue
    for year, number in _DAY_OF_YEAR.findall(text):
        day = datetime.date(int(year), 1, 1) + datetime.timedelta(days=int(number) - 1)
        if number != "000" and day.year == int(year):
            return day
    return None
