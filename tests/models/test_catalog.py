"""What models cost, and the command that says so."""

from __future__ import annotations

import pytest

from watermap.errors import UsageError
from watermap.models.arithmetic import flops_per_pixel
from watermap.models.build import build, for_prediction
from watermap.models.catalog import choices, cost
from watermap.models.weights import PRETRAINED


@pytest.mark.parametrize(
    ("arch", "encoder"),
    [
        ("unet", "compact"),
        pytest.param("unet3plus", "compact", marks=pytest.mark.extended),
        pytest.param("fcn", "mobilenetv2", marks=pytest.mark.extended),
    ],
)
def test_costs_are_those_of_the_whole_model(arch: str, encoder: str) -> None:
    found = cost(arch, encoder, "fast", bands=4)
    model = for_prediction(build(arch, encoder, bands=4, patch_size=64, preset="fast"))
    assert found.parameters == model.count_params()
    assert found.flops_per_pixel == pytest.approx(flops_per_pixel(model, 64), rel=1e-9)
    assert found.pretrained == (encoder in PRETRAINED)


def test_choices_are_narrowed() -> None:
    assert {encoder for _, encoder, _ in choices("segnet")} == {"vgg16", "compact"}
    assert list(choices("fcn", "vgg16")) == [("fcn", "vgg16", "reference"), ("fcn", "vgg16", "fast")]
    with pytest.raises(UsageError, match="segnet does not take the resnet50 encoder"):
        list(choices("segnet", "resnet50"))
