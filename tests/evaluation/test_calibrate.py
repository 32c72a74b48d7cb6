import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from tests.support.bundles import make_bundle
from watermap.bundles.bundle import open_bundle
from watermap.bundles.calibration import Calibration
from watermap.bundles.card import CARD_FILE, card
from watermap.bundles.stac_item import ITEM_FILE
from watermap.bundles.training_ground import GROUND_FILE, TrainingGround, write_ground
from watermap.config import PredictConfig, TileConfig
from watermap.errors import DataError, UsageError
from watermap.evaluation.calibrate import best_threshold, calibrate, choose, fit
from watermap.evaluation.evaluate import evaluate
from watermap.evaluation.reliability import LOGITS, Reliability, logit, sigmoid
from watermap.io.files import file_digest
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile


def ground(
    seed: int, *, temperature: float = 1.0, shift: float = 0.0, bend: float = 0.0, count: int = 3000
) -> Reliability:
    """Pixels whose true log-odds are those that are said, over the temperature, and more by a shift.

    With a bend what is said to be likely is less likely by this share, and the rest is as it is said.
    """
    rng = np.random.default_rng(seed)
    predicted = rng.beta(0.5, 0.7, count).astype(np.float32)
    true = sigmoid(logit(predicted) / temperature + shift)
    true = np.where(predicted > 0.5, true * (1 - bend), true)
    found = Reliability()
    found.add((rng.random(count) < true).astype(np.uint8), predicted)
    return found


def test_a_temperature_is_found_again() -> None:
    curve = fit(ground(0, temperature=2.5, count=200_000).fine, "temperature")
    assert curve.temperature == pytest.approx(2.5, rel=0.03)


def test_an_isotonic_curve_is_scikit_learns() -> None:
    fine = ground(1, shift=1.0, count=20_000).fine
    curve = fit(fine, "isotonic")
    counts = fine.sum(axis=1)
    here = counts > 0
    expected = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip").fit(
        sigmoid(LOGITS)[here], fine[here, 1] / counts[here], sample_weight=counts[here]
    )
    p = np.linspace(0, 1, 101, dtype=np.float32)
    np.testing.assert_allclose(curve(p), expected.predict(p), atol=1e-6)


def test_of_one_probability_alone_the_share_is_told() -> None:
    found = Reliability()
    found.add(np.array([0, 0, 0, 1], np.uint8), np.full(4, 0.9, np.float32))
    np.testing.assert_allclose(fit(found.fine, "isotonic")(np.array([0.1, 0.9], np.float32)), 0.25, atol=1e-6)


def test_what_means_what_it_says_is_left_alone() -> None:
    assert choose([ground(seed).fine for seed in range(20)]) is None


def test_the_method_follows_what_is_wrong() -> None:
    hot = choose([ground(seed, temperature=3).fine for seed in range(20)])
    assert hot is not None
    assert hot.method == "temperature"
    shifted = choose([ground(seed, shift=2).fine for seed in range(20)])
    assert shifted is not None
    assert shifted.method == "platt"
    assert shifted.temperature == pytest.approx(1, abs=0.05)
    assert shifted.shift == pytest.approx(2, abs=0.1)
    bent = choose([ground(seed, bend=0.5, count=300).fine for seed in range(200)])
    assert bent is not None
    assert bent.method == "isotonic"
    few = choose([ground(seed, bend=0.5).fine for seed in range(20)])
    assert few is not None
    assert few.method == "platt"


def test_what_differs_from_ground_to_ground_is_not_fitted() -> None:
    grounds = [ground(seed, shift=3.0 if seed == 0 else 0.0).fine for seed in range(12)]
    assert choose(grounds) is None


def test_a_handful_of_grounds_is_too_few_to_choose() -> None:
    assert choose([ground(seed, temperature=4).fine for seed in range(9)]) is None


def test_without_land_or_water_nothing_can_be_fitted() -> None:
    found = Reliability()
    found.add(np.zeros(10, np.uint8), np.full(10, 0.2, np.float32))
    with pytest.raises(DataError, match="needs land and water"):
        fit(found.fine, "temperature")


@pytest.mark.parametrize("goal", ["iou", "f1", "area"])
@pytest.mark.parametrize("calibration", [None, Calibration(method="temperature", temperature=0.7)])
def test_the_best_threshold_is_the_best_of_all(goal: str, calibration: Calibration | None) -> None:
    rng = np.random.default_rng(3)
    predicted = rng.beta(0.8, 1.2, 4000).astype(np.float32)
    truth = rng.random(4000) < predicted**0.6
    found = Reliability()
    found.add(truth.astype(np.uint8), predicted)
    at = np.rint(logit(predicted) / 0.02) * 0.02  # as the fine bins have it
    p = sigmoid(at) if calibration is None else calibration(sigmoid(at).astype(np.float32)).astype(float)

    def goodness(threshold: float) -> float:
        mapped = p >= threshold
        both, wrong = (mapped & truth).sum(), (mapped != truth).sum()
        if goal == "iou":
            return float(both / (both + wrong))
        if goal == "area":
            return -abs(int(mapped.sum()) - int(truth.sum()))
        land = (~mapped & ~truth).sum()
        return float(2 * both / (2 * both + wrong) + 2 * land / (2 * land + wrong)) / 2

    best = max(goodness(step / 1000) for step in range(1, 1000))
    threshold = best_threshold(found.fine, calibration, goal)  # type: ignore[arg-type]  # one of the three
    assert goodness(threshold) == pytest.approx(best)


@pytest.fixture(scope="module")
def patches(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrated") / "patches"
    tile(small_scenes, folder, TileConfig(patch_size=32, block_patches=2, bands=("B2", "B3", "B4", "B8", "B11", "B12")))
    return folder


def test_a_bundle_is_calibrated_and_the_map_follows(patches: Path, tmp_path: Path) -> None:
    before = make_bundle(tmp_path / "b")
    found = calibrate(before, patches, method="temperature", goal="area")
    bundle = open_bundle(tmp_path / "b")
    assert bundle == found.bundle
    assert bundle.id != before.id
    assert bundle.contract.model_digest == before.contract.model_digest
    curve = bundle.contract.calibration
    assert curve is not None
    assert curve.fitted_on["patches"] == PatchStore.open(patches).digest
    error = {
        when: tally["validation"].reliability.error or 0 for when, tally in vars(found).items() if when != "bundle"
    }
    assert error["after"] < error["before"]
    counts = found.after["validation"].confusion.counts
    assert counts[:, 1].sum() == pytest.approx(counts[1].sum(), rel=0.1)
    scored = evaluate(bundle, patches, PredictConfig(), split="test").pooled
    np.testing.assert_array_equal(scored.confusion.counts, found.after["test"].confusion.counts)
    assert scored.threshold == bundle.contract.threshold
    record = json.loads((tmp_path / "b" / "bundle.json").read_text())
    assert record["scores"]["validation"]["calibration_error"] == pytest.approx(error["after"])


def test_card_and_item_follow_what_is_calibrated(patches: Path, tmp_path: Path) -> None:
    before = make_bundle(tmp_path / "b", threshold_for="keep")
    found = calibrate(before, patches, method="temperature", goal="area")
    contract = open_bundle(tmp_path / "b").contract
    assert contract.threshold_for == "area"
    text = (tmp_path / "b" / CARD_FILE).read_text()
    assert text == card(contract, found.bundle.id)
    assert f"{contract.threshold:g} on, chosen for as much water as there is" in text
    item = json.loads((tmp_path / "b" / ITEM_FILE).read_text())
    assert item["properties"]["watermap:scores"] == contract.scores
    assert item["properties"]["watermap:threshold"] == contract.threshold
    assert item["assets"]["card"]["file:checksum"] == "1220" + file_digest(tmp_path / "b" / CARD_FILE)
    for split, tally in found.after.items():
        assert contract.scores[split] == tally.as_dict()
        assert contract.evidence[split].patches == PatchStore.open(patches).digest
        assert contract.evidence[split].baselines["ndwi"].scores == tally.baselines_as_dict()["ndwi"]
    kept = calibrate(found.bundle, patches, method="none").bundle.contract
    assert contract.calibration is not None
    assert kept.threshold == pytest.approx(contract.calibration.inverse(contract.threshold))
    assert kept.threshold_for == "area"


def test_calibrating_again_starts_from_the_model_itself(patches: Path, tmp_path: Path) -> None:
    once = calibrate(make_bundle(tmp_path / "b"), patches, method="isotonic").bundle
    twice = calibrate(once, patches, method="isotonic")
    assert twice.bundle.contract.calibration == once.contract.calibration
    assert twice.bundle.id == once.id
    plain = calibrate(once, patches, method="none").bundle
    assert plain.contract.calibration is None


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_a_map_stays_as_it_is_unless_another_threshold_is_asked_for(
    patches: Path, tmp_path: Path, method: Literal["temperature", "platt", "isotonic"]
) -> None:
    found = calibrate(make_bundle(tmp_path / "b", threshold=0.3), patches, method=method)
    assert found.bundle.contract.calibration is not None
    for split, tally in found.before.items():
        was, now = tally.confusion.counts, found.after[split].confusion.counts
        assert np.abs(was - now).max() <= 1e-3 * was.sum()  # pixels on the level parts of an isotonic curve
        if method != "isotonic":
            assert np.abs(was - now).max() <= 1


def test_other_ground_that_calibrated_a_bundle_is_seen(patches: Path, small_scenes: Path, tmp_path: Path) -> None:
    store = PatchStore.open(patches)
    nothing = TrainingGround(np.empty(0, object), np.empty(0, object), np.empty(0, np.uint64))
    (tmp_path / "b").mkdir()
    seen = file_digest(write_ground(tmp_path / "b" / GROUND_FILE, nothing))
    trained_on = {"patches": "0" * 64, "counts": {}, "scenes": {}, "seen": seen}
    scored = {"test": {"water_iou": 0.9}, "validation": {"water_iou": 0.8}}
    before = make_bundle(tmp_path / "b", trained_on=trained_on, scores=scored)
    assert evaluate(before, patches, PredictConfig(), split="validation").notes == []
    bundle = calibrate(before, patches, method="temperature").bundle
    assert "flatter" in evaluate(bundle, patches, PredictConfig(), split="validation").notes[0]
    assert evaluate(bundle, patches, PredictConfig(), split="test").notes == []
    again = tmp_path / "again"  # the same scenes, cut elsewhere
    bands = ("B2", "B3", "B4", "B8", "B11", "B12")
    tile(small_scenes, again, TileConfig(patch_size=48, block_patches=2, bands=bands, seed=1))
    with pytest.raises(DataError, match="km2 of ground with patch"):
        evaluate(bundle, again, PredictConfig(), split="train")
    assert set(bundle.contract.scores) == {split for split in ("validation", "test") if store.count(split)}
    other = calibrate(bundle, patches, method="isotonic").bundle
    assert len(list((tmp_path / "b").glob("seen_*.gpkg"))) == 1
    assert other.contract.trained_on == bundle.contract.trained_on


def test_scores_of_a_split_that_was_not_scored_again_are_gone(small_scenes: Path, tmp_path: Path) -> None:
    bands = ("B2", "B3", "B4", "B8", "B11", "B12")
    tile(small_scenes, tmp_path / "p", TileConfig(patch_size=32, block_patches=2, bands=bands, test=0))
    before = make_bundle(tmp_path / "b", scores={"test": {"water_iou": 0.9}})
    assert set(calibrate(before, tmp_path / "p", method="temperature").bundle.contract.scores) == {"validation"}


def test_test_patches_that_the_bundle_learned_from_are_not_scored(patches: Path, tmp_path: Path) -> None:
    images = PatchStore.open(patches).image_digests("test")
    bundle = make_bundle(tmp_path / "b", trained_on={"patches": "0" * 64, "counts": {}, "scenes": images})
    with pytest.raises(DataError, match="learned from"):
        calibrate(bundle, patches, method="temperature")


def test_patches_that_the_bundle_learned_from_calibrate_nothing(patches: Path, tmp_path: Path) -> None:
    images = PatchStore.open(patches).image_digests("train", "validation", "test")
    bundle = make_bundle(tmp_path / "b", trained_on={"patches": "0" * 64, "counts": {}, "scenes": images})
    with pytest.raises(DataError, match="learned from"):
        calibrate(bundle, patches)


def test_patches_of_other_bands_are_refused(small_scenes: Path, tmp_path: Path) -> None:
    tile(small_scenes, tmp_path / "rgb", TileConfig(patch_size=32, bands=("B4", "B3", "B2")))
    with pytest.raises(UsageError, match="are not the bundle's"):
        calibrate(make_bundle(tmp_path / "b"), tmp_path / "rgb")
