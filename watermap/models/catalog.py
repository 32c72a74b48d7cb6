"""What each architecture costs, without making all of each model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, get_args

import keras

from watermap.config import DecoderConfig, Preset
from watermap.models.architecture import PROBABILITY, EncoderMaker
from watermap.models.arithmetic import flops_per_pixel
from watermap.models.build import CLASSES
from watermap.models.registry import ARCHITECTURES, architecture
from watermap.models.weights import PRETRAINED

_SIDE: Final = 64


@dataclass(frozen=True)
class Cost:
    """What a model costs in prediction.

    Attributes:
        arch, encoder, preset: the model.
        parameters: how many, all of them.
        flops_per_pixel: two operations a multiply-add.
        pretrained: whether there are ImageNet weights for its encoder.
        sees_whole_window: whether a map depends on the windows' size.
    """

    arch: str
    encoder: str
    preset: Preset
    parameters: int
    flops_per_pixel: float
    pretrained: bool
    sees_whole_window: bool


def choices(arch: str | None = None, encoder: str | None = None) -> Iterator[tuple[str, str, Preset]]:
    """Every model there is: architecture, encoder and preset.

    Args:
        arch: this one only.
        encoder: this one only.

    Raises:
        UsageError: there is no such architecture or encoder, or they do not go together.
    """
    if arch is not None and encoder is not None:
        architecture(arch, encoder)
    for name, found in ARCHITECTURES.items():
        for body in found.encoders:
            if arch in (None, name) and encoder in (None, body):
                for preset in get_args(Preset):
                    yield name, body, preset


def cost(arch: str, encoder: str, preset: Preset, *, bands: int = 6) -> Cost:
    """What a model costs; an encoder is made once for all architectures that take it.

    Args:
        arch: one of `registry.ARCHITECTURES`.
        encoder: one of those that it takes.
        preset: of its decoder.
        bands: of its image.

    Raises:
        UsageError: there is no such model.
    """
    found = architecture(arch, encoder)
    body = _body(found.encoders[encoder], bands)
    features = [keras.Input(shape) for shape in body.shapes]
    plan = found.plan(arch, encoder, preset, CLASSES, DecoderConfig())
    decoder = keras.Model(features, found.decoder(features, plan)[PROBABILITY])
    return Cost(
        arch,
        encoder,
        preset,
        parameters=body.parameters + decoder.count_params(),
        flops_per_pixel=body.flops_per_pixel + flops_per_pixel(decoder, _SIDE),
        pretrained=encoder in PRETRAINED,
        sees_whole_window=found.sees_whole_window,
    )


@dataclass(frozen=True)
class _Body:
    """An encoder's size, and the shapes of what it gives."""

    parameters: int
    flops_per_pixel: float
    shapes: tuple[tuple[int, int, int], ...]


@cache
def _body(maker: EncoderMaker, bands: int) -> _Body:
    encoder = maker(bands)
    image = keras.Input((_SIDE, _SIDE, bands))
    fixed = keras.models.clone_model(encoder, input_tensors=image)
    shapes = tuple(feature.shape[1:] for feature in fixed.outputs)
    return _Body(encoder.count_params(), flops_per_pixel(fixed, _SIDE), shapes)
