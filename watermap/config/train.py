"""Settings of training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from watermap.config.base import Config
from watermap.config.decoder import DecoderConfig
from watermap.config.terms import Preset

ArchName = Literal["unet", "attention_unet", "unet3plus", "deeplabv3", "pspnet", "fcn", "segnet"]
EncoderName = Literal["resnet50", "compact", "vgg16", "mobilenetv2"]


class StageConfig(Config):
    """One stage of training: what is trained, how fast, how long."""

    name: str = Field(description="Name shown in the history.")
    share: float = Field(1.0, gt=0, description="Share of the epochs, relative to the other stages.")
    loss: Literal["cross_entropy", "dice", "cross_entropy_dice"] = Field(
        "cross_entropy_dice", description="What is minimised."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Adam's rate at the start of the stage.")
    train_encoder_from: int | Literal["all", "none"] = Field(
        "all", description="Encoder layers trained: all, none, or those from this index on (batch norm frozen)."
    )


FROM_SCRATCH = (StageConfig(name="train", learning_rate=1e-3, train_encoder_from="all"),)
"""One stage for weights that start at random: nothing worth freezing."""

FROM_PRETRAINED = (
    StageConfig(name="frozen", share=3, loss="cross_entropy", learning_rate=1e-4, train_encoder_from="none"),
    StageConfig(name="frozen_dice", share=2, learning_rate=1e-5, train_encoder_from="none"),
    StageConfig(name="fine_tune", share=1, learning_rate=1e-5, train_encoder_from=100),
)
"""The reference recipe: 30 epochs cross-entropy, 20 with Dice, 10 with the encoder open from layer 100 of 143."""

_OPEN_FROM = {"vgg16": 11, "mobilenetv2": 81}
"""Where the last stage opens encoders other than ResNet50: at the first layer of stride 8, and of block 9."""


class TrainConfig(Config):
    """Settings of training."""

    arch: ArchName = Field("unet", description="Architecture; watermap models lists what each costs.")
    encoder: EncoderName = Field("resnet50", description="Encoder; compact is made for CPUs.")
    preset: Preset = Field("reference", description="Decoder; fast: fewer channels (watermap models).")
    decoder: DecoderConfig = Field(DecoderConfig(), description="What the decoder is made of.")
    weights: str = Field("auto", description="imagenet, none, or a weights file; auto: imagenet but for compact.")
    epochs: int = Field(60, ge=1, le=10_000, description="Passes over the training patches, all stages together.")
    batch_size: int = Field(16, ge=1, le=4096, description="Patches a step.")
    patience: int = Field(10, ge=1, description="Epochs without a better validation loss that end a stage.")
    augment: Literal["recipe", "flips", "none"] = Field(
        "recipe", description="Changes made to training patches: the full recipe, flips and turns only, or none."
    )
    stages: tuple[StageConfig, ...] = Field((), description="Stages; empty: chosen by the weights.")
    threshold: float = Field(0.5, gt=0, lt=1, description="Probability from which a pixel is water.")
    seed: int = Field(0, ge=0, description="Seed of weights, order and augmentation.")

    @property
    def resolved_weights(self) -> str | None:
        """Weights to start from: `imagenet`, a path, or None for random ones."""
        if self.weights == "auto":
            return None if self.encoder == "compact" else "imagenet"
        return None if self.weights == "none" else self.weights

    @property
    def resolved_stages(self) -> tuple[StageConfig, ...]:
        """The stages to run."""
        if self.stages or self.resolved_weights is None:
            return self.stages or FROM_SCRATCH
        *frozen, last = FROM_PRETRAINED
        opened = _OPEN_FROM.get(self.encoder)
        return (*frozen, last if opened is None else last.model_copy(update={"train_encoder_from": opened}))

    def stage_epochs(self) -> list[int]:
        """Epochs of each stage: the total shared out, at least one each."""
        stages = self.resolved_stages
        whole = sum(stage.share for stage in stages)
        ends = [round(self.epochs * sum(s.share for s in stages[: i + 1]) / whole) for i in range(len(stages))]
        return [max(1, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
