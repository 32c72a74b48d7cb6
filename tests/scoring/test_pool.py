import json

import numpy as np
import pytest

from watermap.scoring.pieces import Piece
from watermap.scoring.pool import Pool
from watermap.scoring.scores import scores_from_counts
from watermap.scoring.tally import MODEL, Tally


def pool(grounds: int = 8) -> Pool:
    rng = np.random.default_rng(0)
    found = Pool(Tally(0.5))
    for number in range(grounds):
        label = rng.choice(np.array([0, 1, 255], np.uint8), (40, 40), p=[0.6, 0.3, 0.1])
        probability = np.clip(rng.normal(np.where(label == 1, 0.7, 0.3), 0.3), 0, 1).astype(np.float32)
        bands = {band: rng.uniform(0.01, 0.3, (40, 40)).astype(np.float32) for band in ("B3", "B4", "B8", "B11")}
        found.add(f"ground_{number}", found.tally.add(Piece(label, probability, bands)))
    found.tally.finish()
    return found


def test_grounds_hold_all_pixels_of_model_and_baselines() -> None:
    found = pool()
    for name, confusion in ((MODEL, found.tally.confusion), ("ndwi", found.tally.baselines["ndwi"])):
        np.testing.assert_array_equal(sum(each[name] for each in found.grounds.values()), confusion.counts)


def test_everything_is_told_and_fits_json() -> None:
    told = json.loads(json.dumps(pool().as_dict()))
    low, high = told["intervals"]["water_iou"]
    assert low < told["scores"]["water_iou"] < high
    assert told["grounds"] == 8
    assert told["baselines"]["mndwi"]["intervals"] is not None
    assert told["baselines"]["mndwi_otsu"]["intervals"] is None  # its threshold needs whole scenes
    gain = told["gains"]["ndwi"]
    assert gain["water_iou"] == pytest.approx(
        told["scores"]["water_iou"] - told["baselines"]["ndwi"]["scores"]["water_iou"]
    )
    assert gain["interval"][0] < gain["water_iou"] < gain["interval"][1]
    assert sum(sum(row) for row in told["confusion"]) == told["scores"]["pixels"]
    recall = told["confusion"][1][1] / sum(told["confusion"][1])
    assert told["classes"]["water"]["recall"] == pytest.approx(recall)
    shore, away = (told["conditions"][name]["pixels"] for name in list(told["conditions"])[:2])
    assert shore + away == told["scores"]["pixels"]
    assert sum(each["pixels"] for each in told["reliability"]) == told["scores"]["pixels"]


def test_few_grounds_have_scores_and_no_intervals() -> None:
    told = pool(3).as_dict()
    assert told["intervals"]["water_iou"] is None
    assert told["scores"]["water_iou"] is not None


def test_a_baseline_that_not_every_ground_has_is_not_compared() -> None:
    found = pool()
    del found.grounds["ground_0"]["ndwi"]
    assert found.gain("ndwi") is None


def test_dates_of_one_ground_are_one_piece() -> None:
    one, other = pool(1), pool(1)
    one.merge(other)
    assert list(one.grounds) == ["ground_0"]
    assert scores_from_counts(one.grounds["ground_0"][MODEL]).pixels == one.tally.as_dict()["pixels"]
