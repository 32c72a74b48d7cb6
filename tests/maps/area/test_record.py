"""An estimate as tables: every figure, its interval as far as it can reach, and what it was made of."""

from __future__ import annotations

import csv
import datetime
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.maps.area.test_estimate import FOUND
from watermap.maps.area.estimate import Sources, estimate
from watermap.maps.area.record import write_record

SOURCES = Sources(Path("a/lake_water.tif"), Path("b/lake_samples.gpkg"), "one", "two", datetime.date(2023, 6, 1))


def test_both_tables_tell_the_same(tmp_path: Path) -> None:
    found = estimate(FOUND, no_data_m2=4e6)
    table, record = write_record(found, SOURCES, tmp_path / "lake.v1_area")
    assert (table.name, record.name) == ("lake.v1_area.csv", "lake.v1_area.json")
    with table.open(newline="") as file:
        rows = {(row["figure"], row["class"]): row for row in csv.DictReader(file)}
    assert len(rows) == 10
    assert float(rows["mapped_area_km2", "water"]["value"]) == 10
    assert float(rows["no_data_area_km2", ""]["value"]) == 4
    told = json.loads(record.read_text())
    for each in told["estimates"]:
        row = rows[each["figure"], each["class"] or ""]
        for name in ("value", "standard_error", "low_95", "high_95"):
            assert float(row[name]) == pytest.approx(each[name], abs=1e-6)
    water = next(each for each in told["estimates"] if each["figure"] == "area_km2" and each["class"] == "water")
    assert water["value"] == pytest.approx(found.areas_m2[1].value / 1e6)
    ends = [found.areas_m2[1].low / 1e6, found.areas_m2[1].high / 1e6]
    assert [water["low_95"], water["high_95"]] == pytest.approx(ends)
    assert told["water_raster"] == {"name": "lake_water.tif", "sha256": "one", "content": "digest"}
    assert told["samples"] == {"name": "lake_samples.gpkg", "sha256": "two"}
    assert (told["design"], told["date"]) == ({"seed": 0, "shore_px": 2}, "2023-06-01")
    strata = [(each["stratum"], each["water_in_truth"], each["land_in_truth"]) for each in told["strata"]]
    assert strata == [("water", 45, 5), ("land beside water", 10, 40), ("other land", 5, 95)]
    assert told["notes"] == list(found.notes)


def test_what_no_sample_tells_is_empty_and_intervals_do_not_reach_below_it(tmp_path: Path) -> None:
    counts = np.array([[0, 0], [0, 0], [99, 1]])
    found = estimate(replace(FOUND, counts=counts, areas_m2=(0.0, 0.0, 95e6), pixels=(0, 0, 95_000)))
    table, record = write_record(found, SOURCES, tmp_path / "lake_area")
    lines = table.read_text().splitlines()
    assert "users_accuracy,water,,,," in lines
    estimates = json.loads(record.read_text())["estimates"]
    assert {"figure": "users_accuracy", "class": "water", "value": None, "standard_error": None} in [
        {name: each[name] for name in ("figure", "class", "value", "standard_error")} for each in estimates
    ]
    area = next(each for each in estimates if each["figure"] == "area_km2" and each["class"] == "water")
    assert area["value"] - 1.96 * area["standard_error"] < 0 < area["low_95"] < area["value"]
