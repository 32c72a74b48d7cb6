"""Scores against scikit-learn, and the cases where a class is absent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score

from watermap.errors import DataError
from watermap.evaluation.scores import Confusion, Scores, scores_from_counts

CODES = npst.arrays(
    np.uint8, npst.array_shapes(min_dims=1, max_dims=3, max_side=9), elements=st.sampled_from([0, 1, 255])
)
PAIRS = CODES.flatmap(
    lambda label: st.tuples(st.just(label), npst.arrays(np.uint8, label.shape, elements=st.sampled_from([0, 1, 255])))
)


def compared(label: Any, predicted: Any) -> Confusion:
    confusion = Confusion()
    confusion.add(label, predicted)
    return confusion


@given(PAIRS)
def test_scores_against_scikit_learn(pair: tuple[Any, Any]) -> None:
    label, predicted = pair
    confusion = compared(label, predicted)
    scores = confusion.scores()
    valid = (label != 255) & (predicted != 255)
    truth, mapped = label[valid], predicted[valid]
    assert scores.pixels == len(truth)
    if not len(truth):
        assert scores == Scores(None, None, None, None, None, 0)
        return
    np.testing.assert_array_equal(confusion.counts, confusion_matrix(truth, mapped, labels=[0, 1]))
    occurring = sorted({*truth.tolist(), *mapped.tolist()})
    assert scores.accuracy == pytest.approx(accuracy_score(truth, mapped))
    average: dict[str, Any] = {"labels": occurring, "average": "macro", "zero_division": 0}
    assert scores.mean_iou == pytest.approx(jaccard_score(truth, mapped, **average))
    assert scores.dice == pytest.approx(f1_score(truth, mapped, **average))
    for code, found in enumerate((scores.land_iou, scores.water_iou)):
        if code in occurring:
            assert found == pytest.approx(jaccard_score(truth, mapped, labels=[code], average=None)[0])
        else:
            assert found is None


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[0, 0], [0, 0]], Scores(None, None, None, None, None, 0)),
        ([[9, 0], [0, 0]], Scores(1.0, 1.0, None, 1.0, 1.0, 9)),  # dry, and mapped dry
        ([[0, 0], [0, 9]], Scores(1.0, 1.0, 1.0, None, 1.0, 9)),  # all water
        ([[8, 2], [0, 0]], Scores(0.8, 0.4, 0.0, 0.8, 4 / 9, 10)),  # water invented
        ([[0, 0], [9, 0]], Scores(0.0, 0.0, 0.0, 0.0, 0.0, 9)),  # water missed
        ([[6, 1], [1, 2]], Scores(0.8, (6 / 8 + 2 / 4) / 2, 0.5, 6 / 8, (12 / 14 + 4 / 6) / 2, 10)),
    ],
)
def test_scores_by_hand(counts: list[list[int]], expected: Scores) -> None:
    found = scores_from_counts(counts)
    for name, value in vars(expected).items():
        assert getattr(found, name) == pytest.approx(value), name


def test_pixels_beyond_32_bits() -> None:
    scores = scores_from_counts([[10**12, 1], [0, 1]])
    assert (scores.pixels, scores.water_iou) == (10**12 + 2, 0.5)


@given(PAIRS)
def test_parts_add_up(pair: tuple[Any, Any]) -> None:
    label, predicted = (codes.reshape(-1) for codes in pair)
    half = len(label) // 2
    parts = compared(label[:half], predicted[:half]) + compared(label[half:], predicted[half:])
    np.testing.assert_array_equal(parts.counts, compared(label, predicted).counts)
    gathered = compared(label[:half], predicted[:half])
    gathered.add(label[half:], predicted[half:])
    np.testing.assert_array_equal(gathered.counts, parts.counts)


def test_sum_leaves_its_parts_alone() -> None:
    one = compared(np.array([1, 0]), np.array([1, 1]))
    total = one + one
    total.add(np.array([1]), np.array([1]))
    assert one.counts.sum() == 2
    assert Confusion().counts.sum() == 0


def test_label_of_truth_values() -> None:
    assert compared(np.array([True, False]), np.array([1, 255], "int16")).counts.tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("code", [2, 254, -1])
def test_strange_codes(code: int) -> None:
    good, strange = np.array([0, 1]), np.array([0, code])
    with pytest.raises(DataError, match=f"a label holds the code {code}"):
        compared(strange, good)
    with pytest.raises(DataError, match=f"a map holds the code {code}"):
        compared(good, strange)


def test_two_shapes() -> None:
    with pytest.raises(DataError, match="cannot be compared"):
        compared(np.zeros((2, 3), "uint8"), np.zeros((3, 2), "uint8"))
