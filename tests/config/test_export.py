"""Settings of what is brought from Earth Engine."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from watermap.config import EarthEngineConfig, ExportConfig
from watermap.errors import UsageError


def test_a_schedule_asks_for_the_last_days(tmp_path: Path) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    found = ExportConfig.load(None, last_days=10, max_cloud=7)
    assert (found.start, found.end, found.max_cloud) == (today - datetime.timedelta(days=10), today, 7)
    assert found.digest() == ExportConfig.load(None, start=str(found.start), end=str(today), max_cloud=7).digest()
    assert ExportConfig(**found.model_dump()) == found
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({}, "a period is needed"),
        ({"start": "2023-06-01"}, "a period is needed"),
        ({"last_days": 3, "end": "2023-06-01"}, "last_days and end are two periods"),
        ({"last_days": 0}, "last_days: "),
        ({"last_days": "x"}, "last_days: "),
    ]
    for stated, reason in mistakes:
        with pytest.raises(UsageError, match=reason):
            ExportConfig.load(None, **stated)
    path = tmp_path / "w.toml"
    path.write_text('[export]\nstart = "2023-06-01"\nend = "2023-06-30"\nlabel = "jrc"\n')
    assert ExportConfig.load(path, section="export", last_days=10, max_cloud=7).start == found.start
    path.write_text("[export]\nlast_days = 10\n")
    stated = {"start": "2023-06-01", "end": "2023-06-30"}
    assert str(ExportConfig.load(path, section="export", **stated).end) == "2023-06-30"


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"start": "2023-06-1"}, "'2023-06-1' is no date, write it as 2023-06-01"),
        ({"start": "2023-07-01"}, "end 2023-06-30 is before start 2023-07-01"),
        ({"start": "2015-06-22"}, "start"),
        ({"bands": ("B2", "B10")}, "surface reflectance has no band B10"),
        ({"bands": ("B2", "grene")}, "grene"),
        ({"to": "gcs"}, "to gcs needs a bucket"),
        ({"to": "gcs", "bucket": "Upper"}, "bucket"),
        ({"folder": "../up"}, "folder"),
        ({"scene_size": 32}, "scene_size"),
    ],
)
def test_exports_that_cannot_be_are_one_line(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        ExportConfig.load(None, **{"start": "2023-06-01", "end": "2023-06-30", **stated})
    assert "\n" not in str(error.value)


def test_bands_are_known_by_their_common_names() -> None:
    assert ExportConfig.load(last_days=3, bands=("green", "swir1")).bands == ("B3", "B11")


@pytest.mark.parametrize("stated", [{"requests": 41}, {"request_mib": 49}, {"timeout_s": 0}, {"project": "-x"}])
def test_earth_engine_is_not_asked_for_more_than_it_gives(stated: dict[str, Any]) -> None:
    (name,) = stated
    with pytest.raises(UsageError, match=f"^{name}: "):
        EarthEngineConfig.load(**stated)
