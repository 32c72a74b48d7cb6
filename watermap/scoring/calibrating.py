"""Fits a bundle's calibration and threshold on ground that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from watermap.calibration import Calibration
from watermap.codes import LAND, WATER
from watermap.errors import DataError
from watermap.radiometry import FloatArray
from watermap.scoring.reliability import LOGITS, Sums, sigmoid

Fine = npt.NDArray[np.int64]
"""(logits, 2) pixels by what the model says and by truth, as in `Reliability`."""
Method = Literal["auto", "none", "temperature", "isotonic"]
Goal = Literal["iou", "f1", "area", "keep"]

_FOLDS: Final = 5
_SURELY: Final = 0.001
"""No calibrated probability is nearer to 0 or 1 than this: validation ground does not show what is that rare."""
_TEMPERATURES: Final = (0.1, 10.0)
_SAID: Final[Sums] = sigmoid(LOGITS)


def fit(fine: Fine, method: Literal["temperature", "isotonic"]) -> Calibration:
    """The curve that makes probabilities fit the truth.

    Args:
        fine: pixels of validation ground.
        method: temperature: of least cross-entropy; isotonic: of least squares.

    Raises:
        DataError: they lack land or water.

    Source: Guo et al. 2017, section 4.2; Zadrozny and Elkan 2002, Transforming classifier scores.
    """
    if not fine.sum(axis=0).all():
        raise DataError("calibration needs land and water", hint="fit it on patches that hold both")
    if method == "temperature":
        found = minimize_scalar(lambda t: _cross_entropy(fine, sigmoid(LOGITS / t)), bounds=_TEMPERATURES)
        return Calibration(method="temperature", temperature=float(found.x))
    counts = fine.sum(axis=1)
    here = counts > 0
    curve = IsotonicRegression(y_min=_SURELY, y_max=1 - _SURELY, out_of_bounds="clip")
    curve.fit(_SAID[here], (fine[:, WATER] / np.maximum(counts, 1))[here], sample_weight=counts[here])
    said, true = curve.X_thresholds_, curve.y_thresholds_
    if len(said) == 1:  # the model says one number only
        said, true = np.array([0.0, 1.0]), np.repeat(true, 2)
    return Calibration(method="isotonic", said=tuple(said.tolist()), true=tuple(true.tolist()))


def choose(grounds: Sequence[Fine], *, seed: int = 0) -> Calibration | None:
    """The method that fits best where it was not fitted; None where none beats the model as it is.

    Args:
        grounds: pixels of each piece of validation ground; they are dealt to folds whole.
        seed: of the folds.
    """
    folds = min(_FOLDS, len(grounds))
    whole = np.sum(grounds, axis=0)
    if folds < 2:
        return fit(whole, "temperature")  # one number cannot follow one ground too closely
    dealt = np.random.default_rng(seed).permutation(len(grounds)) % folds
    costs = dict.fromkeys(("none", "temperature", "isotonic"), 0.0)
    for fold in range(folds):
        held = np.sum([g for g, f in zip(grounds, dealt, strict=True) if f == fold], axis=0)
        rest = whole - held
        costs["none"] += _cross_entropy(held, _SAID)
        for method in ("temperature", "isotonic"):
            curve = fit(rest, method) if rest.sum(axis=0).all() else None
            costs[method] += _cross_entropy(held, _SAID if curve is None else curve(_SAID.astype(np.float32)))
    best = min(costs, key=lambda name: costs[name])
    return None if best == "none" else fit(whole, "temperature" if best == "temperature" else "isotonic")


def best_threshold(fine: Fine, calibration: Calibration | None, goal: Literal["iou", "f1", "area"]) -> float:
    """The probability, calibrated, from which a pixel is best called water.

    Args:
        fine: pixels of validation ground.
        calibration: applied before the threshold.
        goal: the largest water IoU; the largest F1, averaged over land and water; or as much water mapped as there is.

    Returns:
        Of equally good ones the nearest to 0.5, in thousandths.
    """
    said = _SAID if calibration is None else calibration(_SAID.astype(np.float32)).astype(np.float64)
    thresholds = np.arange(1, 1000) / 1000
    first = np.searchsorted(said, thresholds, side="left")  # fine bins from here on are water
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


def _cross_entropy(fine: Fine, probability: FloatArray | Sums) -> float:
    """Sum over pixels, in nats."""
    p = np.clip(np.asarray(probability, dtype=np.float64), 1e-7, 1 - 1e-7)
    return float(-(fine[:, WATER] * np.log(p) + fine[:, LAND] * np.log1p(-p)).sum())
