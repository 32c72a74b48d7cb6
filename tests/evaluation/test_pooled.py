import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermap.evaluation.blocks import ScoredBlock
from watermap.evaluation.pooled import PooledScores
from watermap.evaluation.scores import scores_from_counts
from watermap.evaluation.tally import MODEL, Tally


def pool(grounds: int = 8) -> PooledScores:
    rng = np.random.default_rng(0)
    found = PooledScores(Tally(0.5))
    for number in range(grounds):
        label = rng.choice(np.array([0, 1, 255], np.uint8), (40, 40), p=[0.6, 0.3, 0.1])
        probability = np.clip(rng.normal(np.where(label == 1, 0.7, 0.3), 0.3), 0, 1).astype(np.float32)
        bands = {band: rng.uniform(0.01, 0.3, (40, 40)).astype(np.float32) for band in ("B3", "B4", "B8", "B11")}
        found.add(f"ground_{number}", ScoredBlock(label, probability, bands), row=128 * number)
    found.tally.finish()
    return found


@pytest.mark.parametrize("grounds", [3, 8])
def test_witnesses_hold_all_pixels_of_model_and_baselines(grounds: int) -> None:
    found = pool(grounds)
    assert found.unit == ("ground" if grounds == 8 else "block")
    for name, confusion in ((MODEL, found.tally.confusion), ("ndwi", found.tally.baselines["ndwi"])):
        np.testing.assert_array_equal(sum(each[name] for each in found.witnesses()), confusion.counts)


@given(height=st.integers(1, 300), width=st.integers(1, 300), row=st.integers(0, 200), cut=st.integers(0, 300))
@settings(max_examples=25, deadline=None)
def test_blocks_are_the_same_however_a_scene_is_cut(height: int, width: int, row: int, cut: int) -> None:
    rng = np.random.default_rng(height)
    whole = ScoredBlock(
        rng.choice(np.array([0, 1], np.uint8), (height, width)), rng.random((height, width), dtype=np.float32), {}
    )
    one, other = PooledScores(Tally(0.5)), PooledScores(Tally(0.5))
    one.add("a", whole, row=row)
    for start, end in itertools.pairwise(sorted({0, min(cut, height), height})):
        other.add("a", whole, slice(start, end), row=row + start)
    found, expected = other.grounds["a"], one.grounds["a"]
    assert found.keys() == expected.keys()
    for block, counts in expected.items():
        np.testing.assert_array_equal(found[block][MODEL], counts[MODEL])
        assert counts[MODEL].sum() <= 128 * 128


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


def test_of_few_grounds_blocks_are_drawn() -> None:
    told = pool(3).as_dict()
    assert told["resampled"] == {"unit": "block", "units": 3, "block_px": 128}
    assert told["intervals"]["water_iou"] is None  # three blocks are too few as well
    large = PooledScores(Tally(0.5))
    rng = np.random.default_rng(0)
    label = rng.choice(np.array([0, 1], np.uint8), (500, 300))
    label[:128, :128] = 255  # says nothing
    large.add("a", ScoredBlock(label, rng.random((500, 300), dtype=np.float32), {}))
    assert large.as_dict()["resampled"] == {"unit": "block", "units": 11, "block_px": 128}
    assert large.resampled().intervals()["water_iou"] is not None


def test_ground_without_a_known_pixel_is_no_witness() -> None:
    found = pool(4)
    unknown = np.full((40, 40), 255, np.uint8)
    for number in range(4):
        found.add(f"unknown_{number}", ScoredBlock(unknown, np.zeros((40, 40), np.float32), {}))
    assert (found.known_grounds, found.unit, len(found.witnesses())) == (4, "block", 4)
    assert found.as_dict()["grounds"] == 4
    found.merge(pool(8))
    assert (found.known_grounds, found.unit, len(found.witnesses())) == (8, "ground", 8)


def test_a_baseline_that_not_every_ground_has_is_not_compared() -> None:
    found = pool()
    del found.grounds["ground_0"][0, 0]["ndwi"]
    assert found.resampled().gain("ndwi") is None


def test_dates_of_one_ground_are_one_piece() -> None:
    one, other = pool(1), pool(1)
    one.merge(other)
    assert list(one.grounds) == ["ground_0"]
    assert scores_from_counts(one.grounds["ground_0"][0, 0][MODEL]).pixels == one.tally.as_dict()["pixels"]
