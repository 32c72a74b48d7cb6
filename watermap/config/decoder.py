"""Settings of a network's decoder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from watermap.config.base import Config

Upsampling = Literal["bilinear", "transposed"]
"""How features grow: interpolated, or by a transposed convolution that learns how."""


class DecoderConfig(Config):
    """What a decoder is made of; what is not stated is the architecture's own.

    An architecture that cannot honour a setting refuses it.
    """

    filters: tuple[int, ...] | None = Field(
        None, description="Channels, as many numbers as the architecture has; not given: those of the preset."
    )
    upsampling: Upsampling | None = Field(
        None, description="bilinear or transposed; not given: what the architecture was published with."
    )
    batch_norm: bool = Field(True, description="Batch norm after the decoder's convolutions.")
    bias: bool | None = Field(None, description="Bias of its 3 x 3 convolutions; not given: without batch norm.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of channels dropped in training, once a level.")

    @property
    def has_bias(self) -> bool:
        """Whether convolutions have a bias; batch norm has one of its own."""
        return not self.batch_norm if self.bias is None else self.bias
