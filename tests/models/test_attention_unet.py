"""Attention UNet: gated skips; that it computes what its paper says, numpy says in `test_against_numpy`."""

from __future__ import annotations

import pytest

from watermap.models.build import build


@pytest.mark.parametrize(
    ("encoder", "gates"),
    [("compact", [1, 2, 3, 4]), pytest.param("mobilenetv2", [1, 2, 3], marks=pytest.mark.extended)],
)
def test_a_level_without_a_skip_has_a_convolution_where_others_have_a_gate(encoder: str, gates: list[int]) -> None:
    model = build("attention_unet", encoder, bands=2, patch_size=32, preset="fast")
    names = {layer.name for layer in model.layers}
    assert [level for level in range(1, 5) if f"decoder{level}_gate_psi" in names] == gates
    assert [level for level in range(1, 5) if f"decoder{level}_1_conv" not in names] == gates
    theta = model.get_layer("decoder1_gate_theta")
    assert theta.filters == model.get_layer("decoder1_2_conv").filters // 2
