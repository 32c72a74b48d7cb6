import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import shapely
from pystac.extensions.mlm import AssetGeneralMLMExtension, MLMExtension
from pystac.validation import validate_dict
from shapely.geometry import shape

from tests.support.bundles import make_bundle
from watermap.bundles.bundle import Bundle, open_bundle
from watermap.bundles.contract import Contract, SplitData, TrainingData
from watermap.bundles.stac_item import ITEM_FILE, outline, write_model_item
from watermap.bundles.training_ground import GROUND_FILE, ground_of_patches, read_ground, write_ground
from watermap.io.files import file_digest
from watermap.patches.store import PatchStore

LAKE = shapely.box(12.0, 47.0, 12.02, 47.01)
DATA = TrainingData(
    splits={"train": SplitData(scenes=1, grounds=1, labels={"hansen": 3}, water=0.2, area_km2=1.7)},
    bounds=(12, 47, 12.02, 47.01),
    pixel_sizes_m=(10, 10),
    days=(date(2023, 6, 1), date(2023, 7, 9)),
    dated_scenes=2,
    undated_scenes=0,
)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    config = {"weights": "none", "epochs": 3, "seed": 0}
    return make_bundle(
        tmp_path / "b",
        offset=-1000.0,
        parameters=14,
        training={"run": "r", "config": config},
        scores={"test": {"water_iou": 0.75}},
    )


def item_of(bundle: Bundle) -> dict[str, Any]:
    item: dict[str, Any] = json.loads((bundle.folder / ITEM_FILE).read_text())
    return item


def described(bundle: Bundle, contract: Contract, *outlines: Any) -> dict[str, Any]:
    """The item of a bundle with another contract and ground."""
    write_model_item(bundle.folder, contract, bundle.id, np.array(outlines, dtype=object) if outlines else None)
    return item_of(bundle)


def test_an_item_is_valid_and_pystac_reads_what_it_says(bundle: Bundle) -> None:
    content = described(bundle, bundle.contract, LAKE)
    assert validate_dict(content, extensions=[])  # those of extensions are on the internet
    item = pystac.Item.from_file(bundle.folder / ITEM_FILE)
    assert item.id == f"watermap-{bundle.id}"
    model = MLMExtension.ext(item)
    assert (model.tasks, model.framework, model.total_parameters) == (["semantic-segmentation"], "Keras", 14)
    assert model.framework_version == bundle.contract.versions["keras"]
    assert (model.pretrained, model.pretrained_source) == (False, None)
    (image,) = model.input
    assert image.bands == list(bundle.contract.bands)
    assert image.input.shape == [-1, 64, 64, 6]
    assert (image.input.dim_order, image.input.data_type) == (["batch", "height", "width", "bands"], "float32")
    (probability,) = model.output
    assert probability.result.shape == [-1, 64, 64, 2]
    assert [(each.value, each.name) for each in probability.classes or []] == [(0, "land"), (1, "water")]
    assert model.hyperparameters is not None
    assert model.hyperparameters.to_dict() == {"weights": "none", "epochs": 3, "seed": 0}
    assert AssetGeneralMLMExtension.ext(item.assets["model"]).artifact_type == "tf.keras.Model.save"


def test_it_keeps_the_rules_of_the_extension(bundle: Bundle) -> None:
    """Those of its specification 1.4 that pystac does not ask for."""
    item = item_of(bundle)
    said = item["properties"]
    assert {"mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"} <= set(said)
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]", said["mlm:name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+([-+].*)?", said["mlm:framework_version"])
    assert "mlm:pretrained_source" in said  # null where nothing was learned before
    arrays = [each["input"] for each in said["mlm:input"]] + [each["result"] for each in said["mlm:output"]]
    assert all(len(array["shape"]) == len(array["dim_order"]) for array in arrays)
    named = [band["name"] for band in said["bands"]]
    assert all(set(each["bands"]) <= set(named) for each in said["mlm:input"])
    models = [asset for asset in item["assets"].values() if "mlm:model" in asset["roles"]]
    assert [[band["name"] for band in asset["bands"]] for asset in models] == [named]
    assert all("mlm:artifact_type" in asset for asset in models)


def test_what_a_number_means_is_said_by_band(bundle: Bundle) -> None:
    for band in item_of(bundle)["properties"]["bands"]:
        assert 3000 * band["raster:scale"] + band["raster:offset"] == pytest.approx((3000 - 1000) * 1e-4)
    assert item_of(bundle)["properties"]["bands"][0]["eo:common_name"] == "blue"


def test_every_file_is_listed_as_it_is(bundle: Bundle) -> None:
    (bundle.folder / "curves.png").write_bytes(b"picture")
    assets = described(bundle, bundle.contract)["assets"]
    assert set(assets) == {"model", "card", "curves"}
    for asset in assets.values():
        file = bundle.folder / asset["href"]
        assert asset["file:checksum"] == "1220" + file_digest(file)
        assert asset["file:size"] == file.stat().st_size


def test_ground_that_is_not_known_is_null(bundle: Bundle) -> None:
    item = item_of(bundle)
    assert item["geometry"] is None
    assert "bbox" not in item
    assert validate_dict(item, extensions=[])


def test_the_ground_is_that_of_the_record_of_what_it_has_seen(small_patches: Path, tmp_path: Path) -> None:
    store = PatchStore.open(small_patches)
    seen = file_digest(write_ground(tmp_path / "b" / GROUND_FILE, ground_of_patches(store)))
    bundle = make_bundle(tmp_path / "b", trained_on={"patches": store.digest, "counts": {}, "scenes": {}, "seen": seen})
    item = item_of(bundle)
    ground = shape(item["geometry"])
    assert ground.is_valid
    patches = shapely.union_all(read_ground(bundle.folder / GROUND_FILE).outlines)
    assert patches.difference(ground.buffer(1e-5)).area == 0
    assert ground.area < 1.05 * patches.area
    assert item["bbox"] == pytest.approx(list(ground.bounds))
    assert "seen" in item["assets"]


def test_ground_across_the_antimeridian_has_a_narrow_box(bundle: Bundle) -> None:
    parts = shapely.MultiPolygon([shapely.box(179.99, -17, 180, -16.99), shapely.box(-180, -17, -179.98, -16.99)])
    item = described(bundle, bundle.contract, parts, shapely.box(178, -18, 178.1, -17.9))
    assert item["bbox"] == [178, -18, -179.98, -16.99]
    item = described(bundle, bundle.contract, LAKE, shapely.box(-60, -3, -59.9, -2.9))
    assert item["bbox"] == [-60, -3, 12.02, 47.01]
    item = described(bundle, bundle.contract, LAKE, shapely.box(-180, -17, -179.9, -16.9))  # up to it, from one side
    assert item["bbox"] == [-180, -17, 12.02, 47.01]


def test_what_is_narrower_than_a_coordinates_last_digit_is_left_out() -> None:
    found = outline(np.array([LAKE, shapely.box(13, 47, 13 + 1e-9, 48)], dtype=object))
    assert found.is_valid
    assert found.equals(LAKE)


def test_a_thousand_scattered_patches_are_drawn_roughly_and_covered() -> None:
    corners = np.random.default_rng(0).uniform((100, -40), (179.99, 40), (1000, 2))
    patches = shapely.box(corners[:, 0], corners[:, 1], corners[:, 0] + 0.01, corners[:, 1] + 0.01)
    found = outline(patches)
    assert shapely.get_num_coordinates(found) <= 500
    assert found.is_valid
    assert found.buffer(1e-6).covers(shapely.union_all(patches))
    assert found.bounds[2] <= 180
    assert all(part.exterior.is_ccw for part in shapely.get_parts(found))


def test_dates_are_told_where_all_scenes_have_them(bundle: Bundle) -> None:
    known = described(bundle, bundle.contract.model_copy(update={"data": DATA}), LAKE)["properties"]
    assert (known["datetime"], known["start_datetime"], known["end_datetime"]) == (
        None,
        "2023-06-01T00:00:00Z",
        "2023-07-09T23:59:59Z",
    )
    part = DATA.model_copy(update={"undated_scenes": 1})
    properties = described(bundle, bundle.contract.model_copy(update={"data": part}), LAKE)["properties"]
    assert "start_datetime" not in properties
    assert properties["datetime"] == bundle.contract.created.replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("weights", "expected"), [("imagenet", (True, "imagenet")), ("of/mine.keras", (True, "mine.keras")), (None, None)]
)
def test_what_it_started_from_is_told_or_left_out(
    weights: str | None, expected: tuple[bool, str] | None, bundle: Bundle
) -> None:
    training = {"run": "r"} if weights is None else {"run": "r", "config": {"weights": weights}}
    properties = described(bundle, bundle.contract.model_copy(update={"training": training}))["properties"]
    told = ("mlm:pretrained" in properties) and (properties["mlm:pretrained"], properties["mlm:pretrained_source"])
    assert told == (expected or False)
    assert validate_dict(item_of(bundle), extensions=[])


def test_what_the_contract_says_of_scores_is_there(bundle: Bundle) -> None:
    contract = open_bundle(bundle.folder).contract
    properties = item_of(bundle)["properties"]
    assert properties["watermap:scores"] == contract.scores
    assert (properties["watermap:threshold"], properties["watermap:bundle_id"]) == (contract.threshold, bundle.id)
