import json
from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from watermap.bundles.bundle import CONTRACT_FILE, open_bundle
from watermap.config import TrainConfig

NEWER = ("parameters", "flops_per_pixel", "threshold_for", "data", "evidence")


def test_a_bundle_from_before_the_card_still_opens(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    path = tmp_path / "b" / CONTRACT_FILE
    record = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in record.items() if name not in NEWER}))
    contract = open_bundle(tmp_path / "b").contract
    assert (contract.parameters, contract.data, contract.threshold_for, contract.evidence) == (None, None, None, {})


@pytest.mark.parametrize(
    ("encoder", "weights", "started"),
    [
        ("compact", "auto", "random weights"),
        ("resnet50", "auto", "imagenet"),
        ("resnet50", "none", "random weights"),
        ("resnet50", "of/mine.keras", "of/mine.keras"),
    ],
)
def test_it_tells_what_training_started_from(encoder: str, weights: str, started: str, tmp_path: Path) -> None:
    config = TrainConfig.model_validate({"encoder": encoder, "weights": weights}).model_dump(mode="json")
    contract = make_bundle(tmp_path / "b", encoder=encoder, training={"run": "r", "config": config}).contract
    assert contract.started_from == started
    for training in ({"run": "r"}, {"run": "r", "config": {"weights": 3}}):
        assert contract.model_copy(update={"training": training}).started_from is None
