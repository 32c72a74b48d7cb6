"""Which layers learn. Compile the model again after a change, or it goes on as before."""

from __future__ import annotations

import keras

from watermap.errors import UsageError
from watermap.models.encoders import ENCODER_LAYER


def set_trainable_from(model: keras.Model, encoder_layer_index: int | None) -> None:
    """Let the encoder's layers learn from one of them on; the decoder is left as it is.

    The encoder's batch norm stays frozen throughout, moving statistics included: batches are too small to
    replace what it learned from ImageNet.

    Args:
        model: from `build`, or loaded.
        encoder_layer_index: the first layer that learns, in the encoder's order (ResNet50 has 143, its input is 0);
            None freezes the whole encoder.

    Raises:
        UsageError: the encoder has no such layer.
    """
    encoder = model.get_layer(ENCODER_LAYER)
    if encoder_layer_index is None:
        encoder.trainable = False
        return
    if not 0 <= encoder_layer_index < len(encoder.layers):
        raise UsageError(
            f"the encoder has no layer {encoder_layer_index}",
            hint=f"its layers are 0 to {len(encoder.layers) - 1}",
        )
    encoder.trainable = True  # a frozen container hides that its layers learn
    for index, layer in enumerate(encoder.layers):
        layer.trainable = index >= encoder_layer_index and not isinstance(layer, keras.layers.BatchNormalization)


def unfreeze_all(model: keras.Model) -> None:
    """Let every layer learn, batch norm included."""
    model.trainable = False  # TensorFlow skips an assignment that changes nothing, though inner layers differ
    model.trainable = True
