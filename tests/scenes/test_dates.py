import datetime
from pathlib import Path

import pytest

from watermap.scenes.dates import sensed_on

JUNE = datetime.date(2023, 6, 1)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("lake_20230601_water.tif", {}),
        ("lake_2023-06-01.tif", {}),
        ("S2A_MSIL2A_20230601T101031_N0509_R022_T32TQT_20230702T161102_water.tif", {}),
        ("12345678_20230601.tif", {}),
        ("lake_20240101.tif", {"DATE": "2023-06-01"}),
        ("lake.tif", {"ACQUISITIONDATETIME": "2023-06-01 10:10:00"}),
        ("lake_20230601.tif", {"DATE": "2023-07-01/2023-09-30"}),
        ("lake.tif", {"WATERMAP_SCENE": "lake_20230601"}),
        ("HLS.L30.T32TPT.2023152T101559.v2.0", {}),
        ("HLS.L30.T32TPT.2023152T101559.v2.0_water.tif", {}),
        ("LC08_L2SP_193027_20230601_20230614_02_T1", {}),
        ("20230601_101559_72_2212_3B_AnalyticMS_SR_8b.tif", {}),
        ("lake_20230601.tif", {"WATERMAP_SCENE": "lake_20240101", "DATE": "unknown"}),
    ],
)
def test_a_day_is_found_in_tags_then_in_the_name(name: str, tags: dict[str, str]) -> None:
    assert sensed_on(Path("20220101") / name, tags) == JUNE


@pytest.mark.parametrize(
    "name",
    [
        "lake.tif",
        "lake_20231301.tif",
        "lake_120230601.tif",
        "lake_2023.tif",
        "a.2023366T101559.tif",
        "a.2023000T101559.tif",
    ],
)
def test_what_is_no_day_is_none(name: str) -> None:
    assert sensed_on(Path(name), {"TIFFTAG_DATETIME": "2023:06:01 10:00:00"}) is None
