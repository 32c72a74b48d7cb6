import numpy as np
import pytest

from watermap.evaluation.blocks import ScoredBlock
from watermap.evaluation.tally import Tally
from watermap.scenes.indices import MNDWI, NDWI
from watermap.scenes.thresholds import index_histogram, otsu_threshold


def block(seed: int, shape: tuple[int, int] = (40, 50)) -> ScoredBlock:
    rng = np.random.default_rng(seed)
    label = rng.choice(np.array([0, 1, 255], np.uint8), shape, p=[0.5, 0.3, 0.2])
    probability = np.clip(rng.normal(np.where(label == 1, 0.7, 0.3), 0.2), 0, 1).astype(np.float32)
    bands = {band: rng.uniform(-0.01, 0.4, shape).astype(np.float32) for band in ("B3", "B8", "B11")}
    return ScoredBlock(label, probability, bands)


def iou(label: np.ndarray, water: np.ndarray) -> float:
    known = label != 255
    both = ((label == 1) & water & known).sum()
    return float(both / (((label == 1) | water) & known).sum())


def test_scores_equal_numpy_over_all_pieces() -> None:
    blocks = [block(seed) for seed in range(3)]
    tally = Tally(0.6)
    for one in blocks:
        tally.add(one)
    tally.finish()
    label = np.stack([p.label for p in blocks])
    probability = np.stack([p.probability for p in blocks])
    known = label != 255
    scores = tally.as_dict()
    assert scores["pixels"] == known.sum()
    assert scores["water_iou"] == pytest.approx(iou(label, probability >= 0.6))
    likely = np.where(label == 1, probability, 1 - probability)[known]
    assert scores["cross_entropy"] == pytest.approx(-np.log(np.maximum(likely, 1e-7)).mean(), rel=1e-5)
    baselines = tally.baselines_as_dict()
    for index in (NDWI, MNDWI):
        values = np.stack([index(*(p.reflectance[band] for band in index.bands)) for p in blocks])
        assert baselines[index.name]["water_iou"] == pytest.approx(iou(label, values > 0))
        threshold = otsu_threshold(index_histogram(values[known]))
        assert baselines[f"{index.name}_otsu"]["water_iou"] == pytest.approx(iou(label, values >= threshold))
        assert baselines[index.name]["pixels"] == scores["pixels"]


def test_scenes_pool_their_pixels_but_keep_their_own_otsu() -> None:
    pooled = Tally(0.5)
    scenes = []
    for seed in range(2):
        tally = Tally(0.5)
        tally.add(block(seed))
        tally.finish()
        pooled.merge(tally)
        scenes.append(tally)
    for name in ("ndwi", "ndwi_otsu", "mndwi", "mndwi_otsu"):
        expected = scenes[0].baselines[name].counts + scenes[1].baselines[name].counts
        np.testing.assert_array_equal(pooled.baselines[name].counts, expected)
    assert pooled.as_dict()["pixels"] == sum(int(s.as_dict()["pixels"] or 0) for s in scenes)


def test_a_baseline_of_fewer_pixels_than_the_model_is_not_shown() -> None:
    pooled = Tally(0.5)
    for number, bands in enumerate((("B3", "B8", "B11"), ("B3", "B11"))):
        whole = block(number)
        tally = Tally(0.5)
        tally.add(ScoredBlock(whole.label, whole.probability, {band: whole.reflectance[band] for band in bands}))
        tally.finish()
        pooled.merge(tally)
    assert set(pooled.baselines_as_dict()) == {"mndwi", "mndwi_otsu"}


def test_without_known_pixels_or_bands_there_is_no_score() -> None:
    tally = Tally(0.5)
    tally.add(
        ScoredBlock(np.full((4, 4), 255, np.uint8), np.zeros((4, 4), np.float32), {"B4": np.zeros((4, 4), np.float32)})
    )
    tally.finish()
    assert tally.as_dict() == {
        "accuracy": None,
        "mean_iou": None,
        "water_iou": None,
        "land_iou": None,
        "dice": None,
        "pixels": 0,
        "cross_entropy": None,
        "boundary_f1": None,
        "boundary_iou": None,
        "calibration_error": None,
    }
    assert tally.baselines_as_dict() == {}


def test_a_wrong_and_certain_pixel_costs_a_finite_amount() -> None:
    tally = Tally(0.5)
    tally.add(ScoredBlock(np.ones((1, 1), np.uint8), np.zeros((1, 1), np.float32), {}))
    assert 0 < float(tally.as_dict()["cross_entropy"] or 0) < 20
