"""What is kept of a converted model, and whether it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.failures import one_line
from tests.support.folders import listing
from watermap.bundles.bundle import Bundle, open_bundle
from watermap.config import Precision
from watermap.errors import ModelError
from watermap.prediction.engines.converted import Check, open_converted
from watermap.prediction.engines.openvino import has_bfloat16


def test_what_was_checked_is_on_record(bundle: Bundle) -> None:
    converted = open_converted(bundle)
    assert converted is not None
    record = converted.record
    assert set(record.checks) == {"float32", "int8"} | ({"bfloat16"} if has_bfloat16() else set())
    assert record.accepted("float32")
    assert all(check.pixels > 0 and check.keras_water_iou is not None for check in record.checks.values())
    assert listing(converted.folder) == ["converted.json", "int8.bin", "int8.xml", "model.bin", "model.xml"]
    small, large = ((converted.folder / name).stat().st_size for name in ("int8.bin", "model.bin"))
    assert small < large / 2


@pytest.mark.parametrize("name", ["converted.json", "model.xml", "model.bin"])
def test_a_damaged_file_is_told(name: str, bundle: Bundle, tmp_path: Path) -> None:
    folder = shutil.copytree(bundle.folder, tmp_path / "unet")
    (folder / "openvino" / name).write_bytes(b"damaged")
    with pytest.raises(ModelError) as error:
        converted = open_converted(open_bundle(folder))
        assert converted is not None
        converted.paths("float32")
    assert f"{name}: damaged" in one_line(error)
    assert "watermap bundles convert" in one_line(error)


def check_of(**changes: Any) -> Check:
    fields = {"patches": 1, "pixels": 10, "agreement": 1.0, "mean_difference": 0.0, "max_difference": 0.0}
    return Check(**fields | {"water_iou": 0.9, "keras_water_iou": 0.9} | changes)


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({}, ["float32", "bfloat16", "int8"]),
        ({"agreement": 0.9995}, ["bfloat16", "int8"]),
        ({"agreement": 0.995}, ["int8"]),
        ({"agreement": 0.98}, []),
        ({"water_iou": 0.896}, ["float32", "bfloat16", "int8"]),
        ({"water_iou": 0.89}, []),
        ({"water_iou": None, "keras_water_iou": None}, ["float32", "bfloat16", "int8"]),
    ],
)
def test_a_precision_must_agree_with_keras(changes: dict[str, Any], accepted: list[str]) -> None:
    precisions: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
    assert [each for each in precisions if check_of(**changes).accepts(each)] == accepted
