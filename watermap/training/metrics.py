"""Scores during training, over valid pixels: label 255 counts for nothing.

They agree with `watermap.evaluation.scores`, but where that says None (a class that never occurs) a number is needed to
watch: such a metric is 0, so that a model that saw nothing is never the best one.
A pixel is water from P(water) >= 0.5 on, so a tie is water, as it is on maps.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import keras
from keras import ops

from watermap.evaluation.scores import Counts
from watermap.training.losses import Tensor, cross_entropy_sum, valid_pixels, water_pixels

WATER_FROM: Final = 0.5
"""Least P(water) of a pixel that counts as water."""

_CARRY: Final = 2**30
"""Counts are kept as high * 2^30 + low: exact beyond 2^31 pixels, where JAX and PyTorch have 32-bit integers."""


class _ConfusionMetric(keras.metrics.Metric):
    """A score of the confusion matrix of all batches, counted in whole numbers.

    Args:
        name: shown in logs.
        options: `dtype` of `keras.metrics.Metric`.
    """

    default_name: ClassVar[str]

    def __init__(self, name: str | None = None, **options: Any) -> None:
        super().__init__(name=name or self.default_name, **options)
        self._low = self.add_variable((2, 2), "zeros", dtype="int", name="low")
        self._high = self.add_variable((2, 2), "zeros", dtype="int", name="high")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:  # noqa: ARG002 (Keras)
        """Count a batch.

        Args:
            y_true: (batch, rows, cols) codes; 255 is ignored.
            y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
            sample_weight: not used, the label says what is valid; Keras passes one, usually None.
        """
        valid = ops.cast(valid_pixels(y_true), "bool")
        truth = ops.cast(water_pixels(y_true), "bool")
        found = ops.greater_equal(y_pred[..., 1], WATER_FROM)
        cells = [valid & a & b for a in (~truth, truth) for b in (~found, found)]
        batch = ops.reshape(ops.stack([ops.sum(ops.cast(cell, "int")) for cell in cells]), (2, 2))
        total = self._low + ops.cast(batch, self._low.dtype)
        self._high.assign_add(total // _CARRY)
        self._low.assign(total % _CARRY)

    def result(self) -> Tensor:
        """The score of all batches so far, a scalar; 0 where there is nothing to score."""
        return self.score(ops.cast(self._high, "float32") * _CARRY + ops.cast(self._low, "float32"))

    def score(self, counts: Tensor) -> Tensor:
        """The score of (2, 2) pixels, [truth, map]."""
        raise NotImplementedError

    def counts(self) -> Counts:
        """(2, 2) pixels so far, [truth, map], for `watermap.evaluation.scores.scores_from_counts`."""
        low, high = (ops.convert_to_numpy(part).astype("int64") for part in (self._low, self._high))
        counts: Counts = high * _CARRY + low
        return counts


def _iou(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union of land and water, (2,), and whether each occurs, (2,) 0 or 1."""
    both = ops.diagonal(counts)
    either = ops.sum(counts, axis=0) + ops.sum(counts, axis=1) - both
    return both / ops.maximum(either, 1.0), ops.cast(either > 0, "float32")


def _mean_of_occurring(scores: Tensor, occurs: Tensor) -> Tensor:
    return ops.sum(scores * occurs) / ops.maximum(ops.sum(occurs), 1.0)


@keras.saving.register_keras_serializable(package="watermap")
class Accuracy(_ConfusionMetric):
    """Share of pixels that agree."""

    default_name = "accuracy"

    def score(self, counts: Tensor) -> Tensor:
        """The score of (2, 2) pixels, [truth, map]."""
        return ops.trace(counts) / ops.maximum(ops.sum(counts), 1.0)


@keras.saving.register_keras_serializable(package="watermap")
class MeanIoU(_ConfusionMetric):
    """Intersection over union, averaged over the classes that occur in truth or map."""

    default_name = "mean_iou"

    def score(self, counts: Tensor) -> Tensor:
        """The score of (2, 2) pixels, [truth, map]."""
        return _mean_of_occurring(*_iou(counts))


@keras.saving.register_keras_serializable(package="watermap")
class WaterIoU(_ConfusionMetric):
    """Intersection over union of water; 0 if neither truth nor map holds water."""

    default_name = "water_iou"

    def score(self, counts: Tensor) -> Tensor:
        """The score of (2, 2) pixels, [truth, map]."""
        return _iou(counts)[0][1]


@keras.saving.register_keras_serializable(package="watermap")
class MeanDice(_ConfusionMetric):
    """Dice of hard masks, averaged over the classes that occur in truth or map."""

    default_name = "mean_dice"

    def score(self, counts: Tensor) -> Tensor:
        """The score of (2, 2) pixels, [truth, map]."""
        iou, occurs = _iou(counts)
        return _mean_of_occurring(2.0 * iou / (1.0 + iou), occurs)


@keras.saving.register_keras_serializable(package="watermap")
class MeanCrossEntropy(keras.metrics.Mean):
    """Cross-entropy in nats, averaged over the valid pixels of all batches; 0 without any.

    Args:
        name: shown in logs.
        options: `dtype` of `keras.metrics.Metric`.
    """

    def __init__(self, name: str = "mean_cross_entropy", **options: Any) -> None:
        super().__init__(name=name, **options)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:  # noqa: ARG002 (Keras)
        """Count a batch.

        Args:
            y_true: (batch, rows, cols) codes; 255 is ignored.
            y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
            sample_weight: not used, the label says what is valid; Keras passes one, usually None.
        """
        nats, count = cross_entropy_sum(y_true, y_pred)
        super().update_state(nats / ops.maximum(count, 1.0), sample_weight=count)
