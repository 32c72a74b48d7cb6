import re
from datetime import date
from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from watermap.bundles.bundle import Bundle, rewrite_contract
from watermap.bundles.calibration import Calibration
from watermap.bundles.card import CARD_FILE, card
from watermap.bundles.contract import Baseline, Contract, Evidence, SplitData, TrainingData

DATA = TrainingData(
    splits={
        "train": SplitData(scenes=4, grounds=3, labels={"hansen": 10, "hand": 2}, water=0.25, area_km2=1234.56),
        "validation": SplitData(scenes=2, grounds=2, labels={"hansen": 5}, water=0.5, area_km2=20),
        "test": SplitData(scenes=0, grounds=0, labels={}, water=None, area_km2=0),
    },
    bounds=(11.5, 46.25, 12.5, 47.75),
    pixel_sizes_m=(9.996, 30.01),
    days=(date(2019, 5, 3), date(2023, 6, 7)),
    dated_scenes=3,
    undated_scenes=1,
)
EVIDENCE = Evidence(
    patches="0" * 64,
    labels={"hansen": 5},
    grounds=7,
    unit="ground",
    units=7,
    resamples=2000,
    intervals={"water_iou": (0.6123, 0.7987), "dice": None},
    baselines={
        "ndwi": Baseline(
            scores={"water_iou": 0.5}, intervals={"water_iou": (0.4, 0.6)}, gain=0.2, gain_interval=(-0.01, 0.3)
        ),
        "mndwi_otsu": Baseline(scores={"water_iou": 0.55}),
    },
)
SCORES = {"validation": {"water_iou": 0.7, "dice": 0.8, "pixels": 123456, "calibration_error": 0.0321}}
CONFIG = {"preset": "fast", "recipe": "reference", "epochs": 70, "batch_size": 32, "seed": 4, "weights": "imagenet"}


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return make_bundle(
        tmp_path / "b",
        offset=-1000.0,
        parameters=1_234_567,
        flops_per_pixel=2e5,
        threshold=0.42,
        threshold_for="iou",
        calibration=Calibration(method="temperature", temperature=1.5, fitted_on={"grounds": 7}),
        trained_on={"patches": "0" * 64, "counts": {"train": 12, "validation": 5, "test": 0}, "scenes": {}},
        data=DATA,
        training={"run": "r", "epochs": 61, "seconds": 88.5, "config": CONFIG},
        scores=SCORES,
        evidence={"validation": EVIDENCE},
    ).contract


def row(text: str, name: str) -> list[str]:
    """The cells of a table's row after the first."""
    (found,) = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", text, re.MULTILINE)
    return [str(cell) for cell in found.split(" | ")]


def test_it_tells_the_model_and_how_to_feed_it(contract: Contract) -> None:
    text = card(contract, "0123456789ab")
    assert text.startswith("# Model card of bundle 0123456789ab\n")
    assert row(text, "architecture") == ["unet, encoder compact, preset fast"]
    assert row(text, "parameters") == ["1,234,567"]
    assert row(text, "arithmetic") == ["200 GFLOP for a megapixel"]
    assert row(text, "started from") == ["imagenet"]
    assert row(text, "bands, in order") == [", ".join(contract.bands)]
    assert row(text, "numbers") == ["DN, whose reflectance is (DN + -1000) x 0.0001"]
    assert row(text, "pixel size") == ["10 to 30 m in training"]
    assert contract.model_digest in text


def test_it_tells_data_ground_and_labels(contract: Contract) -> None:
    text = card(contract, "0123456789ab")
    assert row(text, "patches") == ["12", "5", "0"]
    assert row(text, "pieces of ground") == ["3", "2", "0"]
    assert row(text, "ground in km²") == ["1,234.56", "20.00", "0.00"]
    assert row(text, "water in a patch, mean") == ["25.0%", "50.0%", "-"]
    assert row(text, "patches labelled hansen") == ["10", "5", "0"]
    assert row(text, "patches labelled hand") == ["2", "0", "0"]
    assert row(text, "bounds of training and validation")[0].startswith("west 11.5000, south 46.2500")
    assert row(text, "dates of their scenes") == ["2019-05-03 to 2023-06-07 (by their names; 1 have none there)"]
    assert "- **hansen**: Hansen's datamask: 30 m, permanent water of about 2000 to 2012." in text


def test_it_tells_the_training(contract: Contract) -> None:
    text = card(contract, "0123456789ab")
    assert row(text, "recipe") == ["reference"]
    assert row(text, "epochs") == ["61 of 70 at most"]
    assert (row(text, "seconds"), row(text, "seed"), row(text, "batch size")) == (["88.5"], ["4"], ["32"])


def test_it_tells_scores_with_intervals_beside_baselines(contract: Contract) -> None:
    text = card(contract, "0123456789ab")
    assert row(text, "this model") == ["0.700 (0.612 to 0.799)", "-", "0.800", "-"]
    assert row(text, "NDWI > 0")[0] == "0.500 (0.400 to 0.600)"
    assert row(text, "MNDWI, Otsu by scene")[0] == "0.550"
    assert "Intervals are from 7 pieces of ground, drawn again 2,000 times.\n" in text
    assert "Water IoU against NDWI > 0: +0.200 (-0.010 to +0.300)." in text
    assert "123,456 pixels." in text
    assert "### test" not in text


def test_blocks_and_too_few_of_them_are_told(contract: Contract) -> None:
    few = EVIDENCE.model_copy(update={"unit": "block", "units": 3, "intervals": {"water_iou": None}})
    text = card(contract.model_copy(update={"evidence": {"validation": few}}), "0123456789ab")
    assert "No intervals: 3 blocks of ground are too few to tell." in text
    one = few.model_copy(update={"units": 1})
    text = card(contract.model_copy(update={"evidence": {"validation": one}}), "0123456789ab")
    assert "No intervals: 1 block of ground is too few to tell." in text
    some = EVIDENCE.model_copy(update={"unit": "block", "units": 16, "grounds": 1, "resamples": 10_000})
    text = card(contract.model_copy(update={"evidence": {"validation": some}}), "0123456789ab")
    assert "Intervals are from 16 blocks of ground, drawn again 10,000 times. They are parts of 1 piece," in text


def test_it_tells_what_probabilities_mean(contract: Contract) -> None:
    text = card(contract, "0123456789ab")
    assert row(text, "calibration") == ["temperature 1.500, fitted on 7 pieces of validation ground"]
    assert row(text, "expected calibration error") == ["0.0321 on validation patches"]
    assert row(text, "water from") == ["0.42 on, chosen for the largest water IoU on validation patches"]
    once = Calibration(method="temperature", temperature=1.5, fitted_on={"grounds": 1})
    text = card(contract.model_copy(update={"calibration": once}), "0123456789ab")
    assert row(text, "calibration") == ["temperature 1.500, fitted on 1 piece of validation ground"]
    plain = card(contract.model_copy(update={"calibration": None, "threshold_for": "keep"}), "0123456789ab")
    assert row(plain, "calibration") == ["none: as the network says them"]
    assert row(plain, "water from") == ["0.42 on, as stated before training or calibrating"]


def test_what_an_older_bundle_does_not_know_is_unknown(tmp_path: Path) -> None:
    trained_on = {"patches": "0" * 64, "counts": {"train": 9}, "scenes": {"a": "0", "b": "1"}}
    old = make_bundle(tmp_path / "b", trained_on=trained_on, scores={"test": {"water_iou": 0.5}})
    text = card(old.contract, old.id)
    for name in ("parameters", "started from", "pixel size", "recipe", "seed", "seconds"):
        assert row(text, name) == ["unknown"], name
    assert "Learned from or chosen by 2 scenes. Their ground, labels and dates are unknown." in text
    assert "Intervals and baselines are unknown." in text
    assert row(text, "water from") == ["0.5 on, what it was chosen for is unknown"]
    assert row(text, "patches") == ["9"]
    bare = card(old.contract.model_copy(update={"scores": {}, "trained_on": {}, "training": {}}), old.id)
    assert "None: there were neither validation nor test patches, or they were not scored." in bare


def test_names_that_somebody_made_up_do_not_break_a_table(contract: Contract) -> None:
    odd = DATA.splits["train"].model_copy(update={"labels": {"a|b\n\nc": 12}})
    data = DATA.model_copy(update={"splits": {"train": odd}})
    text = card(contract.model_copy(update={"data": data}), "0123456789ab")
    assert "| patches labelled a\\|b c | 12 |" in text
    assert "- **a|b c**" in text
    mixed = EVIDENCE.model_copy(update={"labels": {"hand": 1, "a\n# b": 2}})
    text = card(contract.model_copy(update={"evidence": {"validation": mixed}}), "0123456789ab")
    assert "though their labels differ: 1 hand, 2 a # b." in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_a_bundle_holds_the_card_of_its_contract_whenever_that_changes(tmp_path: Path) -> None:
    def is_current(bundle: Bundle) -> bool:
        return (bundle.folder / CARD_FILE).read_text() == card(bundle.contract, bundle.id)

    bundle = make_bundle(tmp_path / "b")
    assert is_current(bundle)
    changed = rewrite_contract(bundle, bundle.contract.model_copy(update={"threshold": 0.3}))
    assert changed.id != bundle.id
    assert is_current(changed)
