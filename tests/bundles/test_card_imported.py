from typing import Any

import pytest

from watermap.bands import Radiometry
from watermap.bundles.calibration import Calibration
from watermap.bundles.card import card
from watermap.bundles.contract import Contract
from watermap.bundles.imported import ImportedNetwork, assumed_statistics

NETWORK = ImportedNetwork(
    file="lakes.onnx",
    digest="a" * 64,
    layout="nchw",
    output="map",
    classes=5,
    water_class=3,
    activation="softmax",
    against="likeliest",
    mean=(0.1, 0.2),
    std=(0.05, 0.06),
    pixel_size_m=30,
)


def contract_of(network: ImportedNetwork, **fields: Any) -> Contract:
    return Contract(
        created="2026-01-01T00:00:00+00:00",
        imported_from=network,
        bands=("B3", "B8"),
        scale=1e-4,
        offset=0.0,
        statistics=assumed_statistics(2, Radiometry(1e-4, 0.0), network.mean, network.std),
        threshold=0.5,
        scores={},
        versions={},
        model_file="model.onnx",
        model_digest="a" * 64,
        **fields,
    )


def test_it_tells_where_it_comes_from_and_how_it_is_fed() -> None:
    text = card(contract_of(NETWORK, fixed_window_px=256), "0123456789ab")
    for line in (
        "| origin | imported from `lakes.onnx` |",
        "| classes | 5 channels of output `map`; water is class 3 |",
        "| activation put behind it | softmax |",
        "| what the network is given | (reflectance - mean) / std, mean 0.1, 0.2, std 0.05, 0.06 |",
        "| pixel size | 30 m, as stated at its import |",
        "| window | 256 x 256 pixels only |",
        "| gaps | filled with the mean of each band |",
        "| water from | 0.5 on, where it is as likely as not |",
    ):
        assert line in text
    assert "the class that the network finds likeliest" in text


def test_it_says_what_is_unknown() -> None:
    bare = NETWORK.model_copy(update={"mean": None, "std": None, "pixel_size_m": None, "classes": 1, "against": None})
    text = card(contract_of(bare, window_multiple_px=64), "0123456789ab")
    assert "On what, with which labels and how, this bundle does not know" in text
    assert "Which ground it learned from is unknown" in text
    assert "How far it sees beyond a pixel was not measured" in text
    assert "It has no score here" in text
    assert "| pixel size | unknown |" in text
    assert "| what the network is given | reflectance as it is |" in text
    assert "a reflectance that is usual on land" in text
    assert "| window | sides that are multiples of 64 |" in text
    assert "water is its only channel" in text
    assert "seed" not in text  # nothing is made up about a training


def test_once_calibrated_and_scored_it_says_so() -> None:
    curve = Calibration(method="temperature", temperature=2.0, fitted_on={"grounds": 7})
    text = card(contract_of(NETWORK, calibration=curve, threshold_for="iou"), "0123456789ab")
    assert "Validation patches chose the calibration and the threshold" in text
    assert "chosen for the largest water IoU" in text
    scored = contract_of(NETWORK).model_copy(update={"scores": {"test": {"water_iou": 0.7}}})
    assert "It has no score here" not in card(scored, "0123456789ab")


def test_a_trained_bundle_must_say_what_it_is() -> None:
    fields = contract_of(NETWORK).model_dump(exclude={"imported_from", "arch", "encoder", "patch_size"})
    with pytest.raises(ValueError, match="arch, encoder, patch_size missing, though it is not imported"):
        Contract.model_validate(fields)
