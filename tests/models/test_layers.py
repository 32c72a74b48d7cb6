"""The layers that Keras lacks, beside numpy."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from watermap.models.regional import AdaptiveAveragePooling, ResizeLike
from watermap.models.segnet import MaxPositions
from watermap.models.unet3plus import Guide


@pytest.mark.parametrize(
    "layer", [AdaptiveAveragePooling(3, name="a"), ResizeLike(name="b"), MaxPositions(name="c"), Guide(name="d")]
)
def test_layers_are_made_again_from_their_config(layer: Any) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
