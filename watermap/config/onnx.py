"""Settings of making a bundle of somebody else's network."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from watermap.config.base import Config


class OnnxConfig(Config):
    """How an ONNX network is fed, and how its numbers are read."""

    bands: tuple[str, ...] = Field(min_length=1, description="Bands that it takes, in order.")
    scale: float = Field(
        gt=0, description="Reflectance of one DN of the scenes that it is to map, unless they say otherwise: 0.0001."
    )
    offset: float = Field(
        0.0, le=0, description="DN added to every pixel of those scenes before scaling, unless they say otherwise."
    )
    mean: tuple[float, ...] | None = Field(
        None,
        description="It takes (reflectance - mean) / std: a number a band, or one for all; not given: the reflectance "
        "itself.",
    )
    std: tuple[float, ...] | None = Field(
        None, description="See mean; with --mean 0 --std 0.0001 it takes DN of 10,000 times the reflectance."
    )
    layout: Literal["nchw", "nhwc"] | None = Field(
        None, description="Bands before rows and columns, or after; not given: by where its input has as many as bands."
    )
    activation: Literal["softmax", "sigmoid", "none"] = Field(
        "none", description="What turns its output into probabilities; none: it gives probabilities, or classes."
    )
    water_class: int = Field(ge=0, description="Which of its classes is water, from 0.")
    against: Literal["likeliest", "all"] = Field(
        "likeliest",
        description="Of more than two classes that exclude each other: weigh water against the likeliest other one, so "
        "that maps show the class that the network finds likeliest, or against all others together.",
    )
    output: str | None = Field(None, description="Which of its outputs is read; needed where it has several.")
    pixel_size_m: float | None = Field(
        None, gt=0, description="Side of the pixels that it is meant for, in metres; predict tells where others come."
    )

    @field_validator("mean", "std", mode="before")
    @classmethod
    def _read_numbers(cls, value: Any) -> Any:
        return tuple(value.split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std belong together: give both, or neither")
        for name in ("mean", "std"):
            numbers = getattr(self, name)
            if numbers is not None and len(numbers) not in (1, len(self.bands)):
                raise ValueError(f"{name} has {len(numbers)} numbers, but there are {len(self.bands)} bands")
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("std must be above 0")
        return self

    @property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Mean and std of each band; None where it takes reflectance as it is."""
        if self.mean is None or self.std is None:
            return None
        mean, std = (each * len(self.bands) if len(each) == 1 else each for each in (self.mean, self.std))
        return mean, std
