"""Settings of prediction."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from watermap.bands import SENSORS, SensorName
from watermap.config import PredictConfig, VectorizeConfig
from watermap.errors import UsageError


def test_an_overlap_of_half_a_window_is_refused() -> None:
    with pytest.raises(UsageError, match="less than half"):
        PredictConfig.load(window=64, overlap=32)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"precision": "int8", "engine": "keras"}, "int8 needs openvino"),
        ({"batch_size": 4, "engine": "openvino"}, "batch_size is for keras"),
        ({"sure_from": 0.5}, "sure_from"),
        ({"threshold": 1}, "threshold"),
        ({"window": 16}, "window"),
    ],
)
def test_predictions_that_cannot_be_are_one_line(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        PredictConfig.load(**stated)
    assert "\n" not in str(error.value)


def test_bodies_smaller_than_nothing_are_refused() -> None:
    wrong: list[dict[str, Any]] = [{"min_area_m2": -1}, {"simplify_m": -1}]
    for stated in wrong:
        with pytest.raises(UsageError, match=f"^{next(iter(stated))}: "):
            VectorizeConfig.load(None, **stated)


def test_the_sensor_that_is_stated_is_one_of_the_known() -> None:
    assert PredictConfig().stated_sensor is None
    assert PredictConfig(sensor="hls-l30").stated_sensor == SENSORS["hls-l30"]
    assert PredictConfig(sensor="hls-l30").digest() != PredictConfig().digest()
    with pytest.raises(UsageError, match=r"sensor: .*'landsat-8-9'"):
        PredictConfig.load(sensor="landsat")


def test_every_sensor_may_be_stated() -> None:
    assert set(get_args(SensorName)) == set(SENSORS)
