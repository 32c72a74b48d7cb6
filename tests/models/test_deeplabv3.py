"""DeepLab v3: the encoder without its last stride, and scales beside each other."""

from __future__ import annotations

import keras

from watermap.models.build import build


def test_deeplab_rebuilds_conv5_at_stride_16() -> None:
    model = build("deeplabv3", "resnet50", bands=3, patch_size=64)
    encoder = model.get_layer("encoder")
    whole = keras.applications.ResNet50(include_top=False, weights=None)
    assert encoder.count_params() == whole.count_params()
    assert [layer.name for layer in encoder.layers if layer.weights] == [
        layer.name for layer in whole.layers if layer.weights
    ]
    dilations = {
        layer.dilation_rate for layer in encoder.layers if layer.name.endswith("_2_conv") and "conv5" in layer.name
    }
    assert dilations == {(2, 2)}
    assert encoder.outputs[-1].shape[-1] == 2048
    assert model.get_layer("aspp_concat").output.shape == (None, 4, 4, 5 * 256)
    assert model.get_layer("logits").input.shape == (None, 4, 4, 5 * 256)
