"""What all losses share: they are a function of labels and probabilities with settings, which are saved with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import keras

from watermap.training.losses.labels import Tensor


class PixelLoss(keras.losses.Loss):
    """A function of pixels as a Keras loss.

    A child names its function and its settings; Keras saves it under the child's own name.

    Args:
        settings: keyword arguments of the function, and of the child, by name.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, settings: Mapping[str, Any], name: str, **options: Any) -> None:
        super().__init__(name=name, **options)
        self.settings = dict(settings)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of a batch, a scalar, or (batch,) where each patch has its own."""
        return type(self).function(y_true, y_pred, **self.settings)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same loss again."""
        return {**super().get_config(), **self.settings}
