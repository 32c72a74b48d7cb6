"""What an architecture is: a decoder, the encoders that it takes, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import keras
from keras import KerasTensor

from watermap.config import DecoderConfig, Preset, Upsampling
from watermap.errors import UsageError

PROBABILITY: Final = "probability"
"""Name of a model's one output in prediction; in training the main one."""

EncoderMaker = Callable[[int], keras.Model]
"""Makes an encoder for a number of bands, with random weights: (batch, rows, cols, bands) to a list of
(batch, rows / stride, cols / stride, channels), finest first, each half as large as the one before."""


@dataclass(frozen=True)
class Plan:
    """What a decoder is asked to be.

    Attributes:
        filters: channels; what each number stands for is the architecture's.
        upsampling: how features grow; None where the architecture has a way of its own.
        classes: channels of the result.
        style: batch norm, bias and dropout of its convolutions.
    """

    filters: tuple[int, ...]
    upsampling: Upsampling | None
    classes: int
    style: DecoderConfig


Decoder = Callable[[Sequence[KerasTensor], Plan], Mapping[str, KerasTensor]]
"""Maps an encoder's features, finest first, to logits (batch, rows, cols, classes) at full resolution, by output."""


@dataclass(frozen=True)
class Architecture:
    """An architecture on offer.

    Attributes:
        decoder: makes all that follows the encoder.
        encoders: the encoders that it takes, each with the taps and strides that it needs.
        filters: the decoder's channels by encoder and preset.
        upsampling: ways in which its features can grow, its own first.
        loss_weights: of each output in training; all but `PROBABILITY` are left out in prediction.
        sees_whole_window: whether every pixel of the result depends on the whole window, so that a map depends on
            the windows' size.
    """

    decoder: Decoder
    encoders: Mapping[str, EncoderMaker]
    filters: Mapping[str, Mapping[Preset, tuple[int, ...]]]
    upsampling: tuple[Upsampling, ...] = ()
    loss_weights: Mapping[str, float] = field(default_factory=lambda: {PROBABILITY: 1.0})
    sees_whole_window: bool = False

    def plan(self, name: str, encoder: str, preset: Preset, classes: int, style: DecoderConfig) -> Plan:
        """The decoder asked for.

        Args:
            name: the architecture's.
            encoder: one of its encoders.
            preset: channels where `style` does not state them.
            classes: channels of the result.
            style: what the user states.

        Raises:
            UsageError: the architecture cannot honour it.
        """
        own = self.filters[encoder][preset]
        filters = own if style.filters is None else style.filters
        if len(filters) != len(own) or min(filters) < 1:
            raise UsageError(
                f"decoder filters {filters} do not fit {name}", hint=f"give {len(own)} positive numbers, such as {own}"
            )
        if style.upsampling is not None and style.upsampling not in self.upsampling:
            raise UsageError(
                f"{name} has no {style.upsampling} up-sampling",
                hint=f"it takes {', '.join(self.upsampling) or 'none but its own'}: leave the setting out",
            )
        upsampling = style.upsampling or (self.upsampling[0] if self.upsampling else None)
        return Plan(filters, upsampling, classes, style)
