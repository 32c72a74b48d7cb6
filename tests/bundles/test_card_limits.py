from pathlib import Path
from typing import Any

import pytest

from tests.bundles.test_card import DATA, EVIDENCE
from tests.support.bundles import make_bundle
from watermap.bundles.calibration import Calibration
from watermap.bundles.card_limits import limits
from watermap.bundles.contract import Contract

COUNTS = {"train": 12, "validation": 5, "test": 4}


@pytest.fixture
def plain(tmp_path: Path) -> Contract:
    """Nothing to be said against it but what is true of all."""
    return make_bundle(
        tmp_path / "b",
        receptive_field_px=20,
        trained_on={"patches": "0" * 64, "counts": {"train": 12, "test": 4}, "scenes": {}},
        data=DATA,
        training={"run": "r", "config": {"seed": 4}},
        scores={"test": {"water_iou": 0.7}},
        evidence={"test": EVIDENCE},
    ).contract


def test_of_every_model_some_are_told(plain: Contract) -> None:
    ground, sensor, window, seed = limits(plain)
    assert ground.startswith("It learned from 3 pieces of ground.")
    assert "Other sensors" in sensor
    assert window.startswith("Within 20 pixels of a window's edge")
    assert seed == "It is one training, of seed 4: how far scores differ from seed to seed was not tried."
    older = limits(plain.model_copy(update={"data": None}))
    assert older[0].startswith("It learned from an unknown number of pieces of ground.")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sees_whole_window": True}, "windows of 64 pixels, as in training, suit it best"),
        ({"receptive_field_px": None}, "was not measured"),
        ({"trained_on": {"patches": "0" * 64, "counts": COUNTS}}, "Validation patches chose the epochs: scores"),
        (
            {"calibration": Calibration(method="temperature", temperature=2), "threshold_for": "iou"},
            "Validation patches chose the calibration and the threshold",
        ),
        (
            {
                "trained_on": {"patches": "0" * 64, "counts": COUNTS},
                "calibration": Calibration(method="temperature", temperature=2),
                "threshold_for": "iou",
            },
            "Validation patches chose the epochs, the calibration and the threshold",
        ),
        ({"scores": {}, "evidence": {}}, "there were no test patches"),
        ({"scores": {"test": {"water_iou": 0.52}}}, "has the higher water IoU: mndwi_otsu."),
        ({"evidence": {"test": EVIDENCE.model_copy(update={"grounds": 1})}}, "lie on 1 piece of ground only"),
        (
            {"evidence": {"test": EVIDENCE.model_copy(update={"labels": {"hansen": 3, "hand": 1}})}},
            "though their labels differ: 3 hansen, 1 hand",
        ),
        ({"evidence": {"test": EVIDENCE.model_copy(update={"patches": "1" * 64})}}, "are on other patches"),
    ],
)
def test_a_limit_is_told_where_it_holds_and_only_there(changes: dict[str, Any], told: str, plain: Contract) -> None:
    assert not any(told in limit for limit in limits(plain))
    assert any(told in limit for limit in limits(plain.model_copy(update=changes)))
