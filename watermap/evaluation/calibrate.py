"""Fits a bundle's calibration and threshold on ground that it was not trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from sklearn.isotonic import IsotonicRegression

from watermap.bundles.bundle import Bundle, rewrite_contract
from watermap.bundles.calibration import Calibration
from watermap.bundles.contract import Contract
from watermap.bundles.training_ground import (
    CALIBRATED_ON,
    CALIBRATION_SPLIT,
    GROUND_FILE,
    calibrated_file,
    ground_of_patches,
    write_ground,
)
from watermap.config import PredictConfig
from watermap.config.terms import CalibrationMethod, ThresholdGoal
from watermap.errors import DataError
from watermap.evaluation.labelled import Feeding, patch_pieces
from watermap.evaluation.leaks import check_patches
from watermap.evaluation.patch_scores import SCORED, evidence, score_splits
from watermap.evaluation.pooled import PooledScores
from watermap.evaluation.reliability import LOGITS, Reliability, Sums, sigmoid
from watermap.evaluation.tally import Tally
from watermap.io.files import file_digest
from watermap.io.paths import local
from watermap.io.temporary import temporary_folder
from watermap.legend import LAND, NO_DATA, WATER
from watermap.patches.store import PatchStore, opened
from watermap.prediction.engines.choice import open_engine
from watermap.progress import Progress, silent

Fine = npt.NDArray[np.int64]
"""(logits, 2) pixels by what the model says and by truth, as in `Reliability`."""

_MOST_FOLDS: Final = 50
_LEAST_GROUNDS: Final = 10
"""With fewer pieces of ground nobody can tell whether a curve fits others."""
_METHODS: Final[tuple[Literal["none", "temperature", "platt", "isotonic"], ...]] = (
    "none",
    "temperature",
    "platt",
    "isotonic",
)
"""From the simplest on."""
_MATTERS: Final = 0.005
"""A curve that saves no more of the cross-entropy than this is not worth having."""
_BENDABLE_GROUNDS: Final = 100
"""A curve that may bend anywhere needs more witnesses than two numbers do."""
_SURELY: Final = 0.001
"""No calibrated probability is nearer to 0 or 1 than this: validation ground does not show what is that rare."""
_TEMPERATURES: Final = (0.1, 10.0)
_SHIFTS: Final = (-10.0, 10.0)
_DIGITS: Final = 6
"""Of a threshold that is moved along with a curve."""
_SAME: Final = 3e-7
"""Relative difference of two numbers that are the same in float32, which curves are computed in."""
_PREDICTED: Final[Sums] = sigmoid(LOGITS)


@dataclass(frozen=True)
class Fitted:
    """What validation ground says of a model's probabilities.

    Attributes:
        calibration: the curve; None where the model is best left as it is.
        threshold: probability, calibrated, from which a pixel is water.
    """

    calibration: Calibration | None
    threshold: float


@dataclass(frozen=True)
class Calibrated:
    """A bundle before and after.

    Attributes:
        bundle: as it is now.
        before, after: scores by split.
    """

    bundle: Bundle
    before: dict[str, Tally]
    after: dict[str, Tally]


def calibrate(
    bundle: Bundle,
    patches: PatchStore | Path,
    *,
    method: CalibrationMethod = "auto",
    goal: ThresholdGoal = "keep",
    progress: Progress = silent,
) -> Calibrated:
    """Fit a bundle's calibration and threshold on validation patches, and keep both in its contract.

    Args:
        bundle: on this machine.
        patches: a patch store of the bundle's bands, opened or its folder; it need not be that of the training.
        method: the curve; auto: the one that fits best where it was not fitted, or none.
        goal: what the threshold is chosen for; keep: the one that the bundle has, moved along with the curve, so that
            maps stay as they are, but for a few pixels on level parts of an isotonic curve.
        progress: told as work goes on.

    Raises:
        DataError: there are no validation patches, they lack land or water, or the bundle has learned from them.
        UsageError: the patches do not fit the bundle, or it does not lie on this machine.
    """
    contract, store = bundle.contract, opened(patches)
    local(bundle.folder)
    contract.check_patches(store.folder, store.bands, store.radiometry)
    contract.check_patch_size(store.folder, store.patch_size)
    own = store.digest == contract.trained_on.get("patches")
    for split in SCORED:
        if not own and store.count(split):
            check_patches(bundle, store, split)
    feeding = _feeding(bundle, store.patch_size)
    progress("calibrate: before", 0, 3)
    before = score_splits(feeding(contract.calibration), store, contract.threshold)
    progress("calibrate: fitting", 1, 3)
    curve = contract.calibration
    threshold = contract.threshold if curve is None else curve.inverse(contract.threshold)
    found = fit_on(feeding(None), store, method, goal, threshold)
    progress("calibrate: after", 2, 3)
    after = score_splits(feeding(found.calibration), store, found.threshold)
    progress("calibrate: done", 3, 3)
    if (found.calibration, found.threshold) != (contract.calibration, contract.threshold):
        has_looked = method != "none" or goal != "keep"
        changed = {
            "calibration": found.calibration,
            "threshold": found.threshold,
            "threshold_for": contract.threshold_for if goal == "keep" else goal,
            # Scores of other patches are of another threshold and curve, and no longer true.
            "scores": {split: pooled.tally.as_dict() for split, pooled in after.items()},
            "evidence": evidence(after, store),
            "trained_on": _trained_on(contract, _keep_ground(bundle, store) if has_looked and not own else None),
        }
        bundle = rewrite_contract(bundle, contract.model_copy(update=changed))
        _forget_earlier(bundle)
    return Calibrated(bundle, _tallies(before), _tallies(after))


def _feeding(bundle: Bundle, side: int) -> Callable[[Calibration | None], Feeding]:
    """How a bundle's network is fed with patches, for any curve behind it."""
    contract = bundle.contract
    if contract.imported_from is None:
        model = bundle.load_model((side, side))
        return lambda calibration: Feeding.of_model(model, contract.filling, calibration)
    plain = replace(bundle, contract=contract.model_copy(update={"calibration": None}))
    engine = open_engine([plain], PredictConfig(engine="openvino", precision="float32"))
    return lambda calibration: Feeding.of_engine(engine, contract.filling, calibration)


def _keep_ground(bundle: Bundle, store: PatchStore) -> dict[str, str] | None:
    """Keep which ground a bundle is calibrated on, under a name of its own: the contract that is there stays whole."""
    is_unknown = bundle.contract.trained_on.get("seen") is None and bundle.contract.imported_from is None
    if is_unknown:  # it does not say what it learned from either, though it could
        return None
    kept: dict[str, str] = bundle.contract.trained_on.get(CALIBRATED_ON, {})
    if kept.get("patches") == store.digest:
        return kept
    with temporary_folder(bundle.folder / GROUND_FILE) as part:
        written = write_ground(part / GROUND_FILE, ground_of_patches(store, (CALIBRATION_SPLIT,)))
        digest = file_digest(written)
        written.replace(bundle.folder / calibrated_file(digest))
    return {"patches": store.digest, "seen": digest}


def _forget_earlier(bundle: Bundle) -> None:
    kept = bundle.contract.trained_on.get(CALIBRATED_ON)
    for path in bundle.folder.glob(calibrated_file("*")):
        if kept is None or path.name != calibrated_file(kept["seen"]):
            path.unlink()


def _trained_on(contract: Contract, calibrated_on: dict[str, str] | None) -> dict[str, Any]:
    others = {name: value for name, value in contract.trained_on.items() if name != CALIBRATED_ON}
    return others if calibrated_on is None else others | {CALIBRATED_ON: calibrated_on}


def fit_on(
    feeding: Feeding, store: PatchStore, method: CalibrationMethod, goal: ThresholdGoal, threshold: float
) -> Fitted:
    """Fit calibration and threshold on a store's validation patches.

    Args:
        feeding: the model, not calibrated.
        store: the patches.
        method: as in `calibrate`.
        goal: as in `calibrate`.
        threshold: to keep, as the model itself says it.

    Raises:
        DataError: there are no validation patches, or they lack land or water.
    """
    if method == "none" and goal == "keep":
        return Fitted(None, threshold)
    if not store.count("validation"):
        raise DataError(f"{store.folder}: holds no validation patches", hint="tile with --validation above 0")
    grounds: dict[str, Reliability] = {}
    for record, piece in patch_pieces(feeding, store, "validation"):
        known = piece.label != NO_DATA
        grounds.setdefault(record.block, Reliability()).add(piece.label[known], piece.probability[known])
    each = [found.fine for found in grounds.values()]
    whole = np.sum(each, axis=0)
    curve = None if method == "none" else choose(each) if method == "auto" else fit(whole, method)
    if curve is not None:
        fitted_on = {"patches": store.digest, "split": "validation", "grounds": len(each), "pixels": int(whole.sum())}
        curve = curve.model_copy(update={"fitted_on": fitted_on})
    if goal != "keep":
        return Fitted(curve, best_threshold(whole, curve, goal))
    return Fitted(curve, _rounded(threshold if curve is None else float(curve(np.array(threshold)))))


def _rounded(threshold: float) -> float:
    """A threshold to so many digits, and no higher: what has exactly this probability stays water."""
    near = float(f"{threshold:.{_DIGITS}g}")
    if near <= threshold or math.isclose(near, threshold, rel_tol=_SAME):
        return near
    return near - 10.0 ** (math.floor(math.log10(threshold)) + 1 - _DIGITS)


def _tallies(pooled_scores: Mapping[str, PooledScores]) -> dict[str, Tally]:
    return {split: pooled.tally for split, pooled in pooled_scores.items()}


def fit(fine: Fine, method: Literal["temperature", "platt", "isotonic"]) -> Calibration:
    """The curve that makes probabilities fit the truth.

    Args:
        fine: pixels of validation ground.
        method: temperature and platt: of least cross-entropy; isotonic: of least squares.

    Raises:
        DataError: they lack land or water.

    Source: Guo et al. 2017, section 4.2; Platt 1999, Probabilistic outputs for support vector machines; Zadrozny and
    Elkan 2002, Transforming classifier scores.
    """
    if not _has_both(fine):
        raise DataError("calibration needs land and water", hint="fit it on patches that hold both")
    if method == "temperature":
        found = minimize_scalar(lambda t: _cross_entropy(fine, sigmoid(LOGITS / t)), bounds=_TEMPERATURES)
        return Calibration(method="temperature", temperature=float(found.x))
    if method == "platt":
        sharpness = tuple(1 / t for t in reversed(_TEMPERATURES))
        both = minimize(
            lambda at: _cross_entropy(fine, sigmoid(at[0] * LOGITS + at[1])) / fine.sum(),
            (1.0, 0.0),
            bounds=(sharpness, _SHIFTS),
        )
        return Calibration(method="platt", temperature=float(1 / both.x[0]), shift=float(both.x[1]))
    counts = fine.sum(axis=1)
    here = counts > 0
    curve = IsotonicRegression(y_min=_SURELY, y_max=1 - _SURELY, out_of_bounds="clip")
    curve.fit(_PREDICTED[here], (fine[:, WATER] / np.maximum(counts, 1))[here], sample_weight=counts[here])
    predicted, true = curve.X_thresholds_, curve.y_thresholds_
    if len(predicted) == 1:  # the model says one number only
        predicted, true = np.array([0.0, 1.0]), np.repeat(true, 2)
    return Calibration(method="isotonic", predicted=tuple(predicted.tolist()), true=tuple(true.tolist()))


def choose(grounds: Sequence[Fine], *, seed: int = 0) -> Calibration | None:
    """The simplest curve that fits as well as the best where it was not fitted; None where that is the model as it is.

    Each method is fitted on all grounds but one, or but a few, and tried on those. Isotonic is only tried where there
    are many.

    Args:
        grounds: pixels of each piece of validation ground; they are dealt to folds whole.
        seed: of the folds.

    Source: Niculescu-Mizil and Caruana 2005, Predicting good probabilities with supervised learning, section 5: with
    little data Platt's curve is the better one, with much the isotonic.
    """
    whole: Fine = np.sum(grounds, axis=0)
    if len(grounds) < _LEAST_GROUNDS:
        return None
    methods = [each for each in _METHODS if each != "isotonic" or len(grounds) >= _BENDABLE_GROUNDS]
    folds = min(len(grounds), _MOST_FOLDS)
    dealt = np.random.default_rng(seed).permutation(len(grounds)) % folds
    costs = np.zeros(len(methods))
    for fold in range(folds):
        rest: Fine = np.sum([found for found, own in zip(grounds, dealt, strict=True) if own != fold], axis=0)
        curves = [None if method == "none" or not _has_both(rest) else fit(rest, method) for method in methods]
        for ground in np.flatnonzero(dealt == fold).tolist():
            costs += [_cross_entropy(grounds[ground], _predicted_by(curve)) for curve in curves]
    simplest = methods[int(np.flatnonzero(costs <= (1 + _MATTERS) * costs.min())[0])]
    return None if simplest == "none" else fit(whole, simplest)


def best_threshold(fine: Fine, calibration: Calibration | None, goal: Literal["iou", "f1", "area"]) -> float:
    """The probability, calibrated, from which a pixel is best called water.

    Args:
        fine: pixels of validation ground.
        calibration: applied before the threshold.
        goal: the largest water IoU; the largest F1, averaged over land and water; or as much water mapped as there is.

    Returns:
        Of equally good ones the nearest to 0.5, in thousandths.
    """
    predicted = _predicted_by(calibration)
    thresholds = np.arange(1, 1000) / 1000
    first = np.searchsorted(predicted, thresholds, side="left")  # fine bins from here on are water
    below = np.concatenate([np.zeros((1, 2), dtype=np.int64), np.cumsum(fine, axis=0)])[first]
    missed, invented = below[:, WATER], fine[:, LAND].sum() - below[:, LAND]
    water, land = fine[:, WATER].sum() - missed, below[:, LAND]
    wrong = missed + invented
    goodness = {
        "iou": water / np.maximum(water + wrong, 1),
        "f1": water / np.maximum(2 * water + wrong, 1) + land / np.maximum(2 * land + wrong, 1),
        "area": -np.abs(invented - missed).astype(np.float64),
    }[goal]
    best = np.flatnonzero(goodness == goodness.max())
    return float(thresholds[best[np.argmin(np.abs(thresholds[best] - 0.5))]])


def _predicted_by(calibration: Calibration | None) -> Sums:
    """The probability of each of the fine bins."""
    return _PREDICTED if calibration is None else calibration(_PREDICTED.astype(np.float32)).astype(np.float64)


def _has_both(fine: Fine) -> bool:
    return bool(fine.sum(axis=0).all())


def _cross_entropy(fine: Fine, probability: Sums) -> float:
    """Sum over pixels, in nats."""
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    return float(-(fine[:, WATER] * np.log(p) + fine[:, LAND] * np.log1p(-p)).sum())
