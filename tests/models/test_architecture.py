"""What a decoder is asked to be."""

from __future__ import annotations

from watermap.config import DecoderConfig
from watermap.models.build import build


def test_decoder_filters_are_a_choice() -> None:
    model = build("unet", "compact", bands=2, patch_size=32, decoder=DecoderConfig(filters=(24, 20, 12, 8)))
    assert [model.get_layer(f"decoder{level}_3_conv").filters for level in (1, 2, 3, 4)] == [24, 20, 12, 8]
