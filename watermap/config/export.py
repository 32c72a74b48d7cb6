"""Settings of Earth Engine and of what is brought from it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from watermap.bands import STANDARD_BANDS, parse_bands
from watermap.config.base import Config


class EarthEngineConfig(Config):
    """How Earth Engine is reached: who asks, where, how often and how patiently."""

    project: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$",
        description="Google Cloud project that pays; not given: the login's own.",
    )
    key: Path | None = Field(None, description="Service-account key (JSON); not given: the machine's login.")
    requests: int = Field(8, ge=1, le=40, description="Requests in flight at once; Earth Engine allows 40.")
    request_mib: float = Field(
        32.0, gt=0, le=48, description="Pixels asked for at once in MiB; Earth Engine allows 48."
    )
    timeout_s: float = Field(
        330.0, gt=0, le=86_400, description="Seconds to wait for one answer; Earth Engine gives up at 300."
    )
    patience_s: float = Field(
        600.0, ge=0, le=604_800, description="Seconds to go on trying where the service is busy or away."
    )
    poll_s: float = Field(20.0, gt=0, le=86_400, description="Seconds between two looks at a running export.")
    service_url: str = Field(
        "https://earthengine-highvolume.googleapis.com", description="Address of the Earth Engine service."
    )
    storage_url: str = Field("https://storage.googleapis.com", description="Address of Cloud Storage.")


_FIRST_DAY: Final = datetime.date(2015, 6, 23)
_LAST_DAY: Final = datetime.date(2100, 1, 1)


def _stated_otherwise() -> datetime.date:
    """Stands for a day while `last_days`, which is out of bounds, is reported."""
    return _LAST_DAY


class ExportConfig(Config):
    """Settings of bringing scenes from Earth Engine."""

    start: datetime.date = Field(
        default_factory=_stated_otherwise, ge=_FIRST_DAY, le=_LAST_DAY, description="First day, e.g. 2023-06-01."
    )
    end: datetime.date = Field(default_factory=_stated_otherwise, le=_LAST_DAY, description="Last day, included.")
    last_days: int | None = Field(
        None, ge=1, le=36_500, description="Instead of first and last day: so many days up to today (UTC)."
    )
    bands: tuple[str, ...] = Field(STANDARD_BANDS, min_length=1, description="Bands of the image, in order.")
    max_cloud: float = Field(1.0, ge=0, le=100, description="Greatest cloud cover of a scene in percent.")
    cloud_score: float | None = Field(
        None, gt=0, lt=1, description="Pixels with a Cloud Score+ below this become no data, e.g. 0.6; not given: none."
    )
    composite: Literal["none", "median"] = Field(
        "none", description="Every scene for itself, or one median image of the whole period."
    )
    label: Literal["hansen", "jrc", "dynamic-world", "worldcover", "consensus", "none"] = Field(
        "hansen", description="Where the labels come from; consensus: all four, where they agree."
    )
    hansen_asset: str = Field(
        "UMD/hansen/global_forest_change_2025_v1_13", description="Version of Hansen's map; its datamask is the label."
    )
    limit: int | None = Field(None, ge=1, description="At most so many scenes, the least cloudy ones.")
    scene_size: int = Field(
        10_980, ge=64, le=32_768, description="Greatest width and height of a scene; larger areas are split."
    )
    to: Literal["local", "gcs", "drive"] = Field(
        "local", description="Straight to this machine, by way of Cloud Storage, or to Google Drive."
    )
    bucket: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$", description="Cloud Storage bucket, for --to gcs."
    )
    folder: str = Field(
        "watermap",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9 ._/-]*[A-Za-z0-9._-])?$",
        description="Folder in the bucket or on Drive.",
    )

    @classmethod
    def _without_overruled(cls, values: dict[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
        days = {"start", "end"}
        if stated.get("last_days") is not None:
            return {name: value for name, value in values.items() if name not in days}
        if any(stated.get(name) is not None for name in days):
            return {name: value for name, value in values.items() if name != "last_days"}
        return values

    @model_validator(mode="before")
    @classmethod
    def _period(cls, values: Any) -> Any:
        """First and last day, where `last_days` says them; what is kept is always the days themselves."""
        if not isinstance(values, dict):
            return values
        days = values.get("last_days")
        stated = [name for name in ("start", "end") if values.get(name) is not None]
        if days is None and len(stated) < 2:
            raise ValueError("a period is needed, start and end, or last_days")
        if days is not None and stated:
            raise ValueError(f"last_days and {stated[0]} are two periods, state one")
        if days is None:
            return values
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 36_500:
            raise ValueError(f"last_days: {days!r} is no number of days from 1 to 36500")
        today = datetime.datetime.now(datetime.UTC).date()
        start = max(_FIRST_DAY, today - datetime.timedelta(days=days))
        return {**values, "last_days": None, "start": start, "end": today}

    @field_validator("start", "end", mode="before")
    @classmethod
    def _plain_date(cls, value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise ValueError(f"{value!r} is no date, write it as 2023-06-01")
        return value

    @field_validator("bands")
    @classmethod
    def _known_bands(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return parse_bands(",".join(value))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        if "B10" in self.bands:
            raise ValueError("surface reflectance has no band B10")
        if self.to == "gcs" and self.bucket is None:
            raise ValueError("to gcs needs a bucket")
        return self
